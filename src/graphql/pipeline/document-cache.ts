import type { DocumentNode } from 'graphql';

const MAX_DOCUMENTS = 1_000;
/** Longer documents are rare and mostly contain inline values. A thousand of them would use too much memory. */
const MAX_LENGTH = 8 * 1024;

/** An LRU cache of parsed documents by their text. */
export function createDocumentCache() {
  const documents = new Map<string, DocumentNode>();
  return {
    get(text: string): DocumentNode | undefined {
      const known = documents.get(text);
      if (known !== undefined) {
        documents.delete(text);
        documents.set(text, known);
      }
      return known;
    },
    set(text: string, document: DocumentNode): void {
      if (text.length > MAX_LENGTH) return;
      const [oldest] = documents.keys();
      if (documents.size >= MAX_DOCUMENTS && oldest !== undefined) documents.delete(oldest);
      documents.set(text, document);
    },
  };
}
