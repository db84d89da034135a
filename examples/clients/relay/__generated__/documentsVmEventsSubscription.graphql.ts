/**
 * @generated SignedSource<<0790a7abb84bcc7a2758b6389ad28186>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import type { ConcreteRequest } from 'relay-runtime';
export type VmEventKind =
  | 'CHANGED'
  | 'CREATED'
  | 'DELETED'
  | 'PROGRESS'
  | 'REPLAY_END'
  | 'SNAPSHOT'
  | 'SNAPSHOT_END'
  | '%future added value';
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
export type documentsVmEventsSubscription$variables = {
  after?: string | null | undefined;
};
export type documentsVmEventsSubscription$data = {
  readonly vmEvents: {
    readonly deletedVmId: string | null | undefined;
    readonly kind: VmEventKind;
    readonly seq: string;
    readonly vm:
      | {
          readonly id: string;
          readonly lastEventSeq: string;
          readonly status: VmStatus;
          readonly vmlabel: string;
        }
      | null
      | undefined;
  };
};
export type documentsVmEventsSubscription = {
  response: documentsVmEventsSubscription$data;
  variables: documentsVmEventsSubscription$variables;
};

const node: ConcreteRequest = (function () {
  var v0 = [
      {
        defaultValue: null,
        kind: 'LocalArgument',
        name: 'after',
      },
    ],
    v1 = [
      {
        kind: 'Variable',
        name: 'after',
        variableName: 'after',
      },
      {
        kind: 'Literal',
        name: 'markers',
        value: true,
      },
    ],
    v2 = {
      alias: null,
      args: null,
      kind: 'ScalarField',
      name: 'seq',
      storageKey: null,
    },
    v3 = {
      alias: null,
      args: null,
      kind: 'ScalarField',
      name: 'kind',
      storageKey: null,
    },
    v4 = {
      alias: null,
      args: null,
      kind: 'ScalarField',
      name: 'deletedVmId',
      storageKey: null,
    },
    v5 = {
      alias: null,
      args: null,
      concreteType: 'Vm',
      kind: 'LinkedField',
      name: 'vm',
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
      ],
      storageKey: null,
    };
  return {
    fragment: {
      argumentDefinitions: v0 /*:: as any*/,
      kind: 'Fragment',
      metadata: null,
      name: 'documentsVmEventsSubscription',
      selections: [
        {
          alias: null,
          args: v1 /*:: as any*/,
          concreteType: 'VmEvent',
          kind: 'LinkedField',
          name: 'vmEvents',
          plural: false,
          selections: [v2 /*:: as any*/, v3 /*:: as any*/, v4 /*:: as any*/, v5 /*:: as any*/],
          storageKey: null,
        },
      ],
      type: 'Subscription',
      abstractKey: null,
    },
    kind: 'Request',
    operation: {
      argumentDefinitions: v0 /*:: as any*/,
      kind: 'Operation',
      name: 'documentsVmEventsSubscription',
      selections: [
        {
          alias: null,
          args: v1 /*:: as any*/,
          concreteType: 'VmEvent',
          kind: 'LinkedField',
          name: 'vmEvents',
          plural: false,
          selections: [
            v2 /*:: as any*/,
            v3 /*:: as any*/,
            v4 /*:: as any*/,
            {
              alias: null,
              args: null,
              filters: null,
              handle: 'deleteRecord',
              key: '',
              kind: 'ScalarHandle',
              name: 'deletedVmId',
            },
            v5 /*:: as any*/,
          ],
          storageKey: null,
        },
      ],
    },
    params: {
      cacheID: 'd400eb235841f9e24ad0ac9141ad882c',
      id: null,
      metadata: {},
      name: 'documentsVmEventsSubscription',
      operationKind: 'subscription',
      text: 'subscription documentsVmEventsSubscription(\n  $after: String\n) {\n  vmEvents(after: $after, markers: true) {\n    seq\n    kind\n    deletedVmId\n    vm {\n      id\n      vmlabel\n      status\n      lastEventSeq\n    }\n  }\n}\n',
    },
  };
})();

(node as any).hash = '1280b49809999d0e79ea2999a71c6c0c';

export default node;
