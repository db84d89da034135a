import { z } from 'zod';
import type { TerminalSize } from '../../engine/programs.ts';
import { searchOf } from '../../http/request/search-of.ts';

const MAX_COLUMNS = 1_000;
const MAX_ROWS = 500;
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

const sizeSchema = z.object({ columns: z.int().min(1).max(MAX_COLUMNS), rows: z.int().min(1).max(MAX_ROWS) });
/** Of the page: its size has changed, or it has shown so many bytes more. */
const messageSchema = z.object({ size: sizeSchema.optional(), read: z.int().min(1).optional() });

/** A text message of the page; undefined if it is none. */
export function readTerminalMessage(text: string): z.output<typeof messageSchema> | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The size in the address of the WebSocket: `?columns=80&rows=24`. */
export function readTerminalSize(url: string | undefined): TerminalSize {
  const search = new URLSearchParams(searchOf(url));
  const size = { columns: Number(search.get('columns')), rows: Number(search.get('rows')) };
  return sizeSchema.safeParse(size).data ?? DEFAULT_SIZE;
}
