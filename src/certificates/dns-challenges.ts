import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Challenges, Proof } from './challenges.ts';

const HOOK_MS = 300_000;
const run = promisify(execFile);

/**
 * Calls a program to publish proofs: `HOOK present|cleanup RECORD VALUE`. It ends once the TXT record of that name has
 * (or no longer has) the value everywhere; another exit code than 0 ends the order.
 */
export function callDnsHook(hook: string): Challenges {
  const call = async (action: 'present' | 'cleanup', { name, value }: Proof): Promise<void> => {
    try {
      await run(hook, [action, `_acme-challenge.${name}`, value], { timeout: HOOK_MS });
    } catch (error) {
      throw new Error(`The hook "${hook}" could not ${action} the record of ${name}.`, { cause: error });
    }
  };
  return {
    kind: 'dns-01',
    present: (proof) => call('present', proof),
    remove: (proof) => call('cleanup', proof),
    close: async () => undefined,
  };
}
