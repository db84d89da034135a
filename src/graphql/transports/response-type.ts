export type ResponseType = 'application/json' | 'application/graphql-response+json';

/**
 * The first media type of an Accept header that a GraphQL response has. Undefined if there is none: 406. JSON is the
 * default, as GraphQL over HTTP has it; with it, a refused operation has the status 200.
 */
export function responseTypeOf(accept = '*/*'): ResponseType | undefined {
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    // Responses are UTF-8 only.
    if (!parameters.every((each) => !each.startsWith('charset=') || /^charset="?utf-?8"?$/.test(each))) continue;
    if (type === 'application/graphql-response+json') return type;
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'application/json';
  }
  return undefined;
}
