/**
 * A reviver of JSON.parse for messages of clients. graphql-ws requires a query, which an operation that is named by its
 * id does not have: it gets an empty one.
 */
export function reviveMessage(key: string, value: unknown): unknown {
  return key === '' ? withQuery(value) : value;
}

function withQuery(message: unknown): unknown {
  if (!isObject(message) || message['type'] !== 'subscribe') return message;
  const { payload } = message;
  const isNamed = isObject(payload) && ('documentId' in payload || 'extensions' in payload);
  return isNamed && !('query' in payload) ? { ...message, payload: { ...payload, query: '' } } : message;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
