import type { JSX } from 'preact';
import type { DeskData } from '../../api/desk.ts';
import type { Size } from '../../account/preflight.ts';
import { Stepper } from './stepper.tsx';
import { createWords as words } from '../../words/create.ts';

/** What the API takes at most. */
const STEPPERS = [
  { name: 'cpu', label: words.cpu, max: 128 },
  { name: 'ram', label: words.ram, max: 1024 },
] as const;

interface SizeSteppersProps {
  readonly me: DeskData['me'] | undefined;
  readonly size: Size;
  readonly onChange: (change: Partial<Size>) => void;
}

/** Processors and memory, beside what the plan has left. */
export function SizeSteppers({ me, size, onChange }: SizeSteppersProps): JSX.Element {
  return (
    <>
      {STEPPERS.map(({ name, label, max }) => (
        <Stepper
          key={name}
          label={label}
          value={size[name]}
          max={max}
          hint={me === undefined ? '' : words.free(me.plan[name], me.plan[name] - me.usage[name])}
          less={words.less(label)}
          more={words.more(label)}
          onChange={(value) => onChange({ [name]: value })}
        />
      ))}
    </>
  );
}
