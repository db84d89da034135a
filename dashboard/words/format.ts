/** Numbers, times and lists as the reader's browser writes them, in the language of the words. */
const LANGUAGE = 'en';
/** The reader's own habits for times: 24 hours or 12. */
const LOCALE = navigatorLanguage();

function navigatorLanguage(): string {
  const own = globalThis.navigator?.language ?? LANGUAGE;
  return own.startsWith(LANGUAGE) ? own : 'en-GB';
}

/** "5:09 AM", but "05:09". */
const hour = new Intl.DateTimeFormat(LOCALE, { hour: 'numeric' }).resolvedOptions().hour12 ? 'numeric' : '2-digit';
const clock = new Intl.DateTimeFormat(LOCALE, { hour, minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat(LOCALE, { hour, minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', hour, minute: '2-digit' });
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: 'auto' });
const list = new Intl.ListFormat(LANGUAGE, { type: 'conjunction' });
const numbers = new Map<number, Intl.NumberFormat>();

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function number(value: number, digits = 0): string {
  const format = numbers.get(digits) ?? new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: digits });
  numbers.set(digits, format);
  return format.format(value);
}

/** "10:57"; with the day if it was not today. */
export function time(at: string | number, now = Date.now()): string {
  const date = new Date(at);
  return date.toDateString() === new Date(now).toDateString() ? clock.format(date) : day.format(date);
}

export function timeWithSeconds(at: string | number): string {
  return clockSeconds.format(new Date(at));
}

/** "3 minutes ago", "in 20 seconds". */
export function ago(at: string | number, now = Date.now()): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const size = Math.abs(seconds);
  if (size < MINUTE) return relative.format(seconds, 'second');
  if (size < HOUR) return relative.format(Math.trunc(seconds / MINUTE), 'minute');
  if (size < DAY) return relative.format(Math.trunc(seconds / HOUR), 'hour');
  return relative.format(Math.trunc(seconds / DAY), 'day');
}

/** "2 h 3 min", "40 s", "0.2 s". */
export function duration(seconds: number): string {
  if (seconds < 10) return `${number(seconds, 1)} s`;
  if (seconds < 2 * MINUTE) return `${number(Math.floor(seconds))} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  const hours = Math.floor(seconds / HOUR);
  return hours < 24 ? `${hours} h ${Math.floor((seconds % HOUR) / MINUTE)} min` : `${number(hours / 24, 1)} days`;
}

/** "214 of 498 MB". */
export function bytesOf(done: number, total: number): string {
  const mb = (bytes: number): string => number(bytes / 1e6, bytes < 1e7 ? 1 : 0);
  return `${mb(done)} of ${mb(total)} MB`;
}

/** "1.2 GB". */
export function gigabytes(gb: number): string {
  return gb > 0 && gb < 0.1 ? `${number(Math.max(1, gb * 1000))} MB` : `${number(gb, 1)} GB`;
}

/** "12.4 kB/s". */
export function rate(bytesPerSecond: number): string {
  if (bytesPerSecond < 1e3) return `${number(bytesPerSecond)} B/s`;
  return bytesPerSecond < 1e6 ? `${number(bytesPerSecond / 1e3, 1)} kB/s` : `${number(bytesPerSecond / 1e6, 1)} MB/s`;
}

export function and(items: readonly string[]): string {
  return list.format(items);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}
