import type { DocumentNode } from 'graphql';

const MOST = 1_000;
/** Longer ones are rare, mostly have their values written into them, and a thousand of them would take the memory. */
const LONGEST = 8 * 1024;

/** Parsed documents by their text: the last that were used, the short ones only. */
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
      if (text.length > LONGEST) return;
      const [oldest] = documents.keys();
      if (documents.size >= MOST && oldest !== undefined) documents.delete(oldest);
      documents.set(text, document);
    },
  };
}
