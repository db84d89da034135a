/** What happened, what the engine says of it, and what to do: each a part of its own, in this order. */
export function withAdvice(what: string, text: string, advice: string): string {
  return `${what}: ${text.trim().replace(/[.:]+$/, '')}. ${advice}`;
}
