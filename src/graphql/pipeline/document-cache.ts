import type { DocumentNode, GraphQLError } from 'graphql';

const MAX_DOCUMENTS = 1_000;
/** Longer documents are rare and mostly contain inline values. A thousand of them would use too much memory. */
const MAX_LENGTH = 8 * 1024;

/** A document, and the errors of its validation. */
export interface CheckedDocument {
  readonly document: DocumentNode;
  readonly problems: readonly GraphQLError[];
}

/** An LRU cache of parsed and validated documents by their text. */
export class DocumentCache {
  readonly #documents = new Map<string, CheckedDocument>();

  get(text: string): CheckedDocument | undefined {
    const known = this.#documents.get(text);
    if (known !== undefined) {
      this.#documents.delete(text);
      this.#documents.set(text, known);
    }
    return known;
  }

  set(text: string, document: CheckedDocument): void {
    if (text.length > MAX_LENGTH) return;
    const [oldest] = this.#documents.keys();
    if (this.#documents.size >= MAX_DOCUMENTS && oldest !== undefined) this.#documents.delete(oldest);
    this.#documents.set(text, document);
  }
}
