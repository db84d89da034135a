import { ask } from '../../connection/ask.ts';
import { VmSecretValue } from '../../api/queries.ts';
import { settingsWords } from '../../words/settings.ts';

/** The value of one secret. The audit records it. */
export async function readSecret(vmId: string, key: string): Promise<string> {
  const { vm } = await ask(VmSecretValue, { id: vmId, key });
  if (vm?.secret == null) throw new Error(settingsWords.secrets.gone);
  return vm.secret.value;
}
