import { signal } from '@preact/signals';

/** The time that the pointer is at, in every chart; undefined while it is in none. */
export const chartCursor = signal<number | undefined>(undefined);
