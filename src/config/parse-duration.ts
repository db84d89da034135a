const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Parses "90s", "15m", "1h" or "30d" to seconds. Throws for other texts. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new Error(`"${text}" is not a duration; write 90s, 15m, 1h or 30d.`);
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}
