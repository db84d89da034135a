import type { JSX } from 'preact';

/** Line icons of 16 units, drawn in the colour of the text. Decorative: what they mean stands beside them. */
const PATHS = {
  vms: 'M2 3.5h12v7.5H2zM6 14h4M8 11v3',
  catalog: 'M2.5 2.5h4.5V7H2.5zM9 2.5h4.5V7H9zM2.5 9H7v4.5H2.5zM9 9h4.5v4.5H9z',
  activity: 'M1.5 8h3l2-5 3 10 2-5h3',
  account: 'M8 8.2a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.5c.6-2.4 2.5-3.6 5-3.6s4.4 1.2 5 3.6',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5l3.3 3.3L13 4.8',
  down: 'M4 6.2l4 4 4-4',
  back: 'M10 3.5L5.5 8l4.5 4.5',
  close: 'M4 4l8 8M12 4l-8 8',
  edit: 'M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.5 4.3l2.2 2.2',
  external: 'M9 3h4v4M13 3L7.5 8.5M11.5 9.5v3.5h-8.5V4.5h3.5',
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
