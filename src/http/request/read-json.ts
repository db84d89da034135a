import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../errors.ts';
import { decodeText, parseJsonObject, type JsonObject } from './json.ts';
import { readBody } from './read-body.ts';

const MAX_BODY_BYTES = 256 * 1024;

/**
 * Reads a JSON body of at most 256 KiB. UNSUPPORTED_MEDIA_TYPE for any other content type (browsers send some of them
 * across sites without a preflight), BAD_USER_INPUT unless it is a JSON object in UTF-8, and the errors of `readBody`.
 */
export async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
  return parseJsonObject(decodeText(await readBody(request, MAX_BODY_BYTES)));
}
