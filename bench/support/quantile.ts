/** The quantile of a share from 0 to 1, by nearest rank. Throws for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('Nothing was measured, so there is no quantile of it.');
  return value;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
