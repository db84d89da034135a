import { resumeAccount, setAccountPlan, suspendAccount } from '../../../operator/operate-account.ts';
import { drainRegion, resumeRegion } from '../../../operator/operate-region.ts';
import { deleteVmOfAnyone, stopVmOfAnyone } from '../../../operator/operate-vm.ts';
import { requireOperator } from '../../../operator/require-operator.ts';
import { builder } from '../builder.ts';
import { Region } from '../catalog/region.ts';
import { OperatedAccount } from './operated-accounts.ts';
import { OperatedVm } from './operated-vms.ts';

const reasonArg = { description: 'Why, in 1 to 500 characters on one line: users read it.' } as const;

builder.mutationFields((t) => ({
  stopVmOfUser: t.field({
    type: OperatedVm,
    description:
      'For operators: turns the VM of any account off. Its owner reads the reason in `VmEvent.note` and in the audit. ' +
      'Errors: FORBIDDEN, NOT_FOUND, BAD_USER_INPUT.',
    args: { id: t.arg.id({ description: 'The VM.' }), reason: t.arg.string(reasonArg) },
    resolve(_root, { id, reason }, { db, viewer }) {
      requireOperator(viewer);
      return stopVmOfAnyone(db, viewer, id, reason);
    },
  }),
  deleteVmOfUser: t.field({
    type: 'ID',
    description:
      'For operators: deletes the VM of any account with all its data. Its owner reads the reason as with ' +
      'stopVmOfUser. Errors: FORBIDDEN, NOT_FOUND, BAD_USER_INPUT.',
    args: { id: t.arg.id({ description: 'The VM.' }), reason: t.arg.string(reasonArg) },
    resolve(_root, { id, reason }, { db, viewer }) {
      requireOperator(viewer);
      return deleteVmOfAnyone(db, viewer, id, reason);
    },
  }),
  setAccountPlan: t.field({
    type: OperatedAccount,
    description:
      "For operators: sets an account's plan, which counts before that of its tokens. What is on stays on. Errors: " +
      'FORBIDDEN, BAD_USER_INPUT for a plan that does not exist.',
    args: {
      userId: t.arg.id({ description: 'The account, which need not exist yet.' }),
      plan: t.arg.string({ required: false, description: 'The code of a plan; null leaves it to the tokens again.' }),
    },
    resolve(_root, { userId, plan }, context) {
      requireOperator(context.viewer);
      return setAccountPlan(context, context.viewer, userId, plan ?? null);
    },
  }),
  suspendAccount: t.field({
    type: OperatedAccount,
    description:
      'For operators: turns all VMs of an account off and refuses its starts with ACCOUNT_SUSPENDED. Its tokens go on ' +
      'reading, and may stop and delete. Errors: FORBIDDEN, BAD_USER_INPUT.',
    args: {
      userId: t.arg.id({ description: 'The account, which need not exist yet.' }),
      reason: t.arg.string(reasonArg),
    },
    resolve(_root, { userId, reason }, context) {
      requireOperator(context.viewer);
      return suspendAccount(context, context.viewer, userId, reason);
    },
  }),
  resumeAccount: t.field({
    type: OperatedAccount,
    description:
      'For operators: accepts the starts of an account again. Its VMs stay off until they are started. Errors: ' +
      'FORBIDDEN.',
    args: { userId: t.arg.id({ description: 'The account.' }) },
    resolve(_root, { userId }, context) {
      requireOperator(context.viewer);
      return resumeAccount(context, context.viewer, userId);
    },
  }),
  drainRegion: t.field({
    type: Region,
    description:
      'For operators: refuses creations and starts in a region with REGION_DRAINED. What is on goes on, with its ' +
      'restarts. Errors: FORBIDDEN, NOT_FOUND, BAD_USER_INPUT.',
    args: { region: t.arg.string({ description: 'The code of the region.' }), reason: t.arg.string(reasonArg) },
    resolve(_root, { region, reason }, context) {
      requireOperator(context.viewer);
      return drainRegion(context, context.viewer, region, reason);
    },
  }),
  resumeRegion: t.field({
    type: Region,
    description: 'For operators: accepts starts in a region again. Errors: FORBIDDEN, NOT_FOUND.',
    args: { region: t.arg.string({ description: 'The code of the region.' }) },
    resolve(_root, { region }, context) {
      requireOperator(context.viewer);
      return resumeRegion(context, context.viewer, region);
    },
  }),
}));
