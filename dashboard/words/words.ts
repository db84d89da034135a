import { commonWords } from './common.ts';
import { frameWords } from './frame.ts';
import { statusWords } from './status.ts';
import { vmsWords } from './vms.ts';

/**
 * The sentences that are there from the start, in English; screens that are loaded later bring their own (`vm.ts`,
 * `create.ts` …). A second language is a second set of these objects, of the same types.
 */
export const words = { ...commonWords, ...frameWords, ...statusWords, ...vmsWords };
