import type { JSX } from 'preact';
import { Field } from '../../parts/field.tsx';

interface PortFieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly problem: string | undefined;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

/** The number of a port inside the VM. */
export function PortField({ value, onInput, ...field }: PortFieldProps): JSX.Element {
  return (
    <Field {...field}>
      {(attributes) => (
        <input
          {...attributes}
          type="number"
          required
          min={1}
          max={65_535}
          inputMode="numeric"
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
