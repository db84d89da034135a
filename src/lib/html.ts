/** Markup that is safe to send: only the `html` tag makes it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: text, which is escaped; markup of the same kind; a list of either; and nothing at all. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined | false;

/** Markup with every value escaped, for text and for attributes in double quotes. Values in scripts and styles are the author's own matter. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.map((string, at) => string + (at < values.length ? markupOf(values[at]) : '')).join(''));
}

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(markupOf).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
