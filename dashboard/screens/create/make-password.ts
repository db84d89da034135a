/** Without characters that look alike. */
const CHARACTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 20;

/** A password of 20 characters, 116 bits. */
export function makePassword(): string {
  const made: string[] = [];
  while (made.length < LENGTH) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1));
    const whole = 256 - (256 % CHARACTERS.length);
    // Beyond the last whole round some characters would come more often.
    if (byte < whole) made.push(CHARACTERS[byte % CHARACTERS.length] ?? '');
  }
  return made.join('');
}
