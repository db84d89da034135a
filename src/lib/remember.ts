import { inOnePiece } from './in-one-piece.ts';

/** A longer text is computed each time: whoever sends such must not fill the memory. */
const LONGEST = 128;

/** The same pure function of a text, which remembers its last answers to short texts: `most` of them, the oldest go. */
export function remember<T>(compute: (text: string) => T, most: number): (text: string) => T {
  const answers = new Map<string, T>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const answer = compute(text);
    if (text.length > LONGEST) return answer;
    const [oldest] = answers.keys();
    if (answers.size >= most && oldest !== undefined) answers.delete(oldest);
    answers.set(inOnePiece(text), answer);
    return answer;
  };
}
