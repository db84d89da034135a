/**
 * @generated SignedSource<<0acd6dcf4d3c7a35ed32cda98b5434c9>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import type { ConcreteRequest } from 'relay-runtime';
export type VmStatus =
  | 'BOOTING'
  | 'DEGRADED'
  | 'DELETED'
  | 'DELETING'
  | 'FAILED'
  | 'PULLING'
  | 'QUEUED'
  | 'RUNNING'
  | 'STARTING'
  | 'STOPPED'
  | 'STOPPING'
  | 'UNKNOWN'
  | '%future added value';
export type documentsVmsQuery$variables = Record<PropertyKey, never>;
export type documentsVmsQuery$data = {
  readonly vms: {
    readonly edges: ReadonlyArray<{
      readonly node: {
        readonly id: string;
        readonly lastEventSeq: string;
        readonly status: VmStatus;
        readonly vmlabel: string;
      };
    }>;
  };
};
export type documentsVmsQuery = {
  response: documentsVmsQuery$data;
  variables: documentsVmsQuery$variables;
};

const node: ConcreteRequest = (function () {
  var v0 = [
      {
        alias: null,
        args: null,
        concreteType: 'VmEdge',
        kind: 'LinkedField',
        name: 'edges',
        plural: true,
        selections: [
          {
            alias: null,
            args: null,
            concreteType: 'Vm',
            kind: 'LinkedField',
            name: 'node',
            plural: false,
            selections: [
              {
                alias: null,
                args: null,
                kind: 'ScalarField',
                name: 'id',
                storageKey: null,
              },
              {
                alias: null,
                args: null,
                kind: 'ScalarField',
                name: 'vmlabel',
                storageKey: null,
              },
              {
                alias: null,
                args: null,
                kind: 'ScalarField',
                name: 'status',
                storageKey: null,
              },
              {
                alias: null,
                args: null,
                kind: 'ScalarField',
                name: 'lastEventSeq',
                storageKey: null,
              },
              {
                alias: null,
                args: null,
                kind: 'ScalarField',
                name: '__typename',
                storageKey: null,
              },
            ],
            storageKey: null,
          },
          {
            alias: null,
            args: null,
            kind: 'ScalarField',
            name: 'cursor',
            storageKey: null,
          },
        ],
        storageKey: null,
      },
      {
        alias: null,
        args: null,
        concreteType: 'PageInfo',
        kind: 'LinkedField',
        name: 'pageInfo',
        plural: false,
        selections: [
          {
            alias: null,
            args: null,
            kind: 'ScalarField',
            name: 'endCursor',
            storageKey: null,
          },
          {
            alias: null,
            args: null,
            kind: 'ScalarField',
            name: 'hasNextPage',
            storageKey: null,
          },
        ],
        storageKey: null,
      },
    ],
    v1 = [
      {
        kind: 'Literal',
        name: 'first',
        value: 100,
      },
    ];
  return {
    fragment: {
      argumentDefinitions: [],
      kind: 'Fragment',
      metadata: null,
      name: 'documentsVmsQuery',
      selections: [
        {
          alias: 'vms',
          args: null,
          concreteType: 'VmConnection',
          kind: 'LinkedField',
          name: '__documents_vms_connection',
          plural: false,
          selections: v0 /*:: as any*/,
          storageKey: null,
        },
      ],
      type: 'Query',
      abstractKey: null,
    },
    kind: 'Request',
    operation: {
      argumentDefinitions: [],
      kind: 'Operation',
      name: 'documentsVmsQuery',
      selections: [
        {
          alias: null,
          args: v1 /*:: as any*/,
          concreteType: 'VmConnection',
          kind: 'LinkedField',
          name: 'vms',
          plural: false,
          selections: v0 /*:: as any*/,
          storageKey: 'vms(first:100)',
        },
        {
          alias: null,
          args: v1 /*:: as any*/,
          filters: null,
          handle: 'connection',
          key: 'documents_vms',
          kind: 'LinkedHandle',
          name: 'vms',
        },
      ],
    },
    params: {
      cacheID: '1d74149e39bf3a9d4b142d259270e73e',
      id: null,
      metadata: {
        connection: [
          {
            count: null,
            cursor: null,
            direction: 'forward',
            path: ['vms'],
          },
        ],
      },
      name: 'documentsVmsQuery',
      operationKind: 'query',
      text: 'query documentsVmsQuery {\n  vms(first: 100) {\n    edges {\n      node {\n        id\n        vmlabel\n        status\n        lastEventSeq\n        __typename\n      }\n      cursor\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n}\n',
    },
  };
})();

(node as any).hash = 'f4831be1394efc638f61f513f8280163';

export default node;
