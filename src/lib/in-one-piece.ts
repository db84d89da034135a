/**
 * The same text, in one piece and in memory of its own. What was added together stays a tree of its parts, which every write to a socket walks
 * again, and a part of a text keeps the whole of it.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
