import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../errors.ts';
import { decodeText, parseJsonObject, type JsonObject } from './json.ts';
import { readBody } from './read-body.ts';

const MAX_BODY_BYTES = 256 * 1024;

/**
 * Reads a JSON body of at most 256 KiB. UNSUPPORTED_MEDIA_TYPE for any other content type (browsers send some of them
 * across sites without a preflight) and for a compressed body, BAD_USER_INPUT unless it is a JSON object in UTF-8, and
 * the errors of `readBody`.
 */
export async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const { 'content-type': type = '', 'content-encoding': coding = 'identity' } = request.headers;
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') throw new ApiError('UNSUPPORTED_MEDIA_TYPE');
  // A small body could become a large one.
  if (coding.trim().toLowerCase() !== 'identity')
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'Send the body uncompressed, without a Content-Encoding.');
  return parseJsonObject(decodeText(await readBody(request, MAX_BODY_BYTES)));
}
