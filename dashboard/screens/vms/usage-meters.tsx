import type { JSX } from 'preact';
import { desk } from '../../account/desk.ts';
import { Meter } from '../../parts/meter.tsx';
import { number } from '../../words/format.ts';
import { words } from '../../words/words.ts';

/** What the account uses of its plan. The frames are there before the figures, so that nothing moves. */
export function UsageMeters(): JSX.Element {
  const { plan, usage } = desk.value?.me ?? {};
  const rows = [
    { label: words.usage.cpu, value: usage?.cpu, max: plan?.cpu, unit: '' },
    { label: words.usage.ram, value: usage?.ram, max: plan?.ram, unit: ' GB' },
    { label: words.usage.storage, value: usage?.storageGb, max: plan?.storageGb, unit: ' GB' },
    { label: words.usage.on, value: usage?.concurrentVms, max: plan?.concurrentVms, unit: '' },
  ];
  return (
    <div class="meters" role="group" aria-label={words.usage.label}>
      {rows.map(({ label, value, max, unit }) => (
        <Meter
          key={label}
          label={label}
          value={value ?? 0}
          max={max ?? 1}
          text={value === undefined || max === undefined ? '…' : words.usage.of(number(value, 1), number(max), unit)}
        />
      ))}
    </div>
  );
}
