import { hash } from 'node:crypto';

/** More than the gateway's own statements; only the columns and filters of lists vary. */
const MAX_TEXTS = 500;

/**
 * Names statements, so that PostgreSQL parses and plans each of them once per connection. A text gets its name when it
 * comes again: one that varies from call to call would fill the memory of the connections. Remembers the last 500
 * texts.
 */
export class StatementNames {
  /** Undefined for a text that came once. */
  readonly #names = new Map<string, string | undefined>();

  /** The name for the statement; undefined if it should be sent without one. */
  nameOf(text: string): string | undefined {
    const isKnown = this.#names.has(text);
    const name = isKnown ? (this.#names.get(text) ?? hash('sha256', text, 'base64url')) : undefined;
    this.#names.delete(text);
    this.#names.set(text, name);
    const [oldest] = this.#names.keys();
    if (this.#names.size > MAX_TEXTS && oldest !== undefined) this.#names.delete(oldest);
    return name;
  }
}
