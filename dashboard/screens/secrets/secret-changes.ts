/** A change that is not saved yet; `value` is undefined for a removal. */
export interface SecretChange {
  readonly key: string;
  readonly value: string | undefined;
}

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Whether a text can name a variable. The gateway has the last word: some names are reserved. */
export function isSecretKey(key: string): boolean {
  return KEY.test(key);
}

/** The changes with one more; the last for a key holds. */
export function withChange(changes: readonly SecretChange[], change: SecretChange): readonly SecretChange[] {
  return [...changes.filter(({ key }) => key !== change.key), change];
}

/** The variables of a .env file: comments and empty lines are passed over, quotes around a value are dropped. */
export function parseEnvFile(text: string): readonly SecretChange[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, key = '', value = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === '') return [];
    const [, , quoted] = /^(["'])(.*)\1$/.exec(value) ?? [];
    return [{ key, value: quoted ?? value }];
  });
}
