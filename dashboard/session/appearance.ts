import { signal } from '@preact/signals';

const KEY = 'swiftor.appearance';
export const APPEARANCES = ['system', 'light', 'dark'] as const;
export type Appearance = (typeof APPEARANCES)[number];

export const appearance = signal<Appearance>(readAppearance());

export function applyAppearance(): void {
  const { value } = appearance;
  if (value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = value;
}

export function chooseAppearance(choice: Appearance): void {
  appearance.value = choice;
  localStorage.setItem(KEY, choice);
  applyAppearance();
}

function readAppearance(): Appearance {
  const kept = localStorage.getItem(KEY);
  return APPEARANCES.find((each) => each === kept) ?? 'system';
}
