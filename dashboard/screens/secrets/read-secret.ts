import { ask } from '../../api/ask.ts';
import { VmSecretValues } from '../../api/queries.ts';
import { settingsWords } from '../../words/settings.ts';

/** The value of one secret. The audit records it. */
export async function readSecret(vmId: string, key: string): Promise<string> {
  const { vm } = await ask(VmSecretValues, { id: vmId });
  const found = vm?.secrets.find((each) => each.key === key);
  if (found === undefined) throw new Error(settingsWords.secrets.gone);
  return found.value;
}
