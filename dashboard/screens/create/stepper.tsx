import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from '../../parts/icons.tsx';

interface StepperProps {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly hint: string;
  readonly less: string;
  readonly more: string;
  readonly onChange: (value: number) => void;
}

/** A whole number from 1, by keyboard or with buttons. */
export function Stepper({ label, value, max, hint, less, more, onChange }: StepperProps): JSX.Element {
  const id = useId();
  const change = (next: number): void =>
    onChange(Math.max(1, Math.min(max, Number.isFinite(next) ? Math.round(next) : 1)));
  return (
    <div class="stepper">
      <label for={id} class="small quiet">
        {label}
      </label>
      <div class="stepper-box">
        <button type="button" class="icon-button" aria-label={less} onClick={() => change(value - 1)}>
          <Icon name="minus" />
        </button>
        <input
          id={id}
          type="number"
          min={1}
          max={max}
          inputMode="numeric"
          value={value}
          aria-describedby={`${id}-hint`}
          onChange={(event) => change(event.currentTarget.valueAsNumber)}
        />
        <button type="button" class="icon-button" aria-label={more} onClick={() => change(value + 1)}>
          <Icon name="plus" />
        </button>
      </div>
      <span id={`${id}-hint`} class="hint">
        {hint}
      </span>
    </div>
  );
}
