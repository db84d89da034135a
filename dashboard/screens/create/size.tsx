import type { JSX } from 'preact';
import type { DeskData } from '../../api/desk.ts';
import { createWords as words } from '../../words/create.ts';
import { words as common } from '../../words/words.ts';
import { changeDraft, type Draft } from './draft.ts';
import { SizeSteppers } from './size-steppers.tsx';

const PRESETS = [
  { name: 'small', cpu: 1, ram: 2 },
  { name: 'medium', cpu: 2, ram: 4 },
  { name: 'large', cpu: 4, ram: 8 },
] as const;

interface SizeProps {
  readonly me: DeskData['me'];
  readonly draft: Draft;
  readonly problem: string | undefined;
}

/** Processors and memory, beside what the plan has left. */
export function Size({ me, draft, problem }: SizeProps): JSX.Element {
  const { cpu, ram } = draft;
  return (
    <fieldset class="field">
      <legend>{words.size}</legend>
      <div class="size">
        <SizeSteppers me={me} size={draft} onChange={(size) => changeDraft({ ...size, hasOwnSize: true })} />
        <div class="segments" role="group" aria-label={words.presets}>
          {PRESETS.map((preset) => (
            <button
              key={preset.name}
              type="button"
              class="segment"
              aria-pressed={preset.cpu === cpu && preset.ram === ram}
              title={common.size(preset.cpu, preset.ram)}
              onClick={() => changeDraft({ cpu: preset.cpu, ram: preset.ram, hasOwnSize: true })}
            >
              {words.preset[preset.name]}
            </button>
          ))}
        </div>
      </div>
      {problem !== undefined && <p class="problem">{problem}</p>}
    </fieldset>
  );
}
