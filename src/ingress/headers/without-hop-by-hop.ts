import { valuesOf } from './values-of.ts';

/** RFC 9110 §7.6.1: not forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** What most clients and apps send. It names no other header that concerns one hop only. */
const NAMES_NOTHING = /^(?:keep-alive|close|upgrade)$/i;
const NONE: ReadonlySet<string> = new Set();
/** Connection must not remove these, because the message depends on them. */
const NEVER_REMOVED = new Set(['host', 'content-length', 'content-encoding', 'content-type', 'close']);

/**
 * Headers in their order and case, without those that concern one hop only. `keep` gets the name in lower case and
 * returns the value to forward, or undefined to drop the header.
 */
export function withoutHopByHop(
  raw: readonly string[],
  keep: (name: string, value: string) => string | undefined,
): string[] {
  const named = namesInConnection(raw);
  const forwarded: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named.has(lower)) continue;
    const kept = keep(lower, raw[at + 1] ?? '');
    if (kept !== undefined) forwarded.push(name, kept);
  }
  return forwarded;
}

/** The headers that Connection declares hop-by-hop, in lower case. */
function namesInConnection(raw: readonly string[]): ReadonlySet<string> {
  const values = valuesOf(raw, 'connection');
  if (values.every((value) => NAMES_NOTHING.test(value))) return NONE;
  const names = values.flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim());
  return new Set(names.filter((name) => !NEVER_REMOVED.has(name)));
}
