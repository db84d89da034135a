const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether PostgreSQL can hold the text. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && !LONE_SURROGATE.test(text);
}

export const STORABLE_RULE = 'must not contain the NUL character or broken Unicode.';
