import type { JSX } from 'preact';

interface MeterProps {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  /** "6 of 8" */
  readonly text: string;
}

/** How much of a limit is used. */
export function Meter({ label, value, max, text }: MeterProps): JSX.Element {
  return (
    <div class="meter">
      <span class="meter-text">
        <span class="quiet">{label}</span> <span class="figure">{text}</span>
      </span>
      <meter
        aria-label={`${label}: ${text}`}
        min={0}
        max={Math.max(max, 0.001)}
        value={Math.min(value, max)}
        high={max * 0.95}
        optimum={0}
      />
    </div>
  );
}
