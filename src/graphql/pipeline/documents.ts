import {
  NoSchemaIntrospectionCustomRule,
  specifiedRules,
  validate,
  ValuesOfCorrectTypeRule,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationRule,
} from 'graphql';
import { checkDocument } from './document-limits.ts';
import { literalsRule } from './literals-rule.ts';
import { maskError, requestFault } from './mask-error.ts';
import { parseDocument } from './parse-document.ts';

const MAX_DOCUMENTS = 1_000;
/** Longer documents are rare and mostly contain inline values. A thousand of them would use too much memory. */
const MAX_LENGTH = 8 * 1024;
/** Validating this many tokens takes, at worst, about as long as a plain request takes in total. */
const TOKENS_PER_POINT = 100;

type Checked = DocumentNode | readonly GraphQLError[];

/**
 * Documents by their text, or the errors of their validation; the least recently used come first.
 *
 * INVARIANTS
 * - A document is bounded before it is validated: validation can take time quadratic in its size.
 * - A document that is not cached is charged by its length, whether or not it turns out to be valid.
 * - Errors never quote a literal. Without `introspection` a document cannot select fields of the schema about itself,
 *   not even through fragments, and errors do not suggest names.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #introspection: boolean;
  readonly #rules: readonly ValidationRule[];
  readonly #known = new Map<string, Checked>();

  constructor(schema: GraphQLSchema, { introspection }: { introspection: boolean }) {
    this.#schema = schema;
    this.#introspection = introspection;
    const rules = specifiedRules.map((rule) => (rule === ValuesOfCorrectTypeRule ? literalsRule : rule));
    this.#rules = introspection ? rules : [...rules, NoSchemaIntrospectionCustomRule];
  }

  /** The document, or the masked errors that refuse it. Calls `charge` with the points that reading it costs. */
  get(text: string, charge: (points: number) => void): Checked {
    const known = this.#known.get(text);
    if (known !== undefined) {
      this.#known.delete(text);
      this.#known.set(text, known);
      return known;
    }
    let document: DocumentNode;
    try {
      document = parseDocument(text);
      charge(Math.floor((document.tokenCount ?? 0) / TOKENS_PER_POINT));
      checkDocument(document);
    } catch (error) {
      return [maskError(error)];
    }
    const problems = validate(this.#schema, document, this.#rules, { hideSuggestions: !this.#introspection });
    const checked = problems.length > 0 ? problems.map(requestFault) : document;
    this.#remember(text, checked);
    return checked;
  }

  #remember(text: string, checked: Checked): void {
    if (text.length > MAX_LENGTH) return;
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_DOCUMENTS && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(text, checked);
  }
}
