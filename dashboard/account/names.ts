import { computed } from '@preact/signals';
import { desk } from './desk.ts';

/** Display names by code, of distributions and regions. */
export const distributionNames = computed(
  () => new Map(desk.value?.distributions.map(({ code, name }) => [code, name])),
);
export const regionNames = computed(() => new Map(desk.value?.regions.map(({ code, name }) => [code, name])));
