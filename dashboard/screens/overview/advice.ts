import { vmWords } from '../../words/vm.ts';

interface Advice {
  readonly sentence?: string;
  readonly needsMemory: boolean;
}

/** What to do about a failure, by its code, where its own sentence does not say it. */
export function adviceFor(code: string): Advice {
  const { failure } = vmWords;
  if (code === 'DATA_LOST') return { sentence: failure.dataLost, needsMemory: false };
  if (code === 'NO_SPACE' || code.startsWith('ENGINE_')) return { sentence: failure.nothingToDo, needsMemory: false };
  return { needsMemory: code === 'OUT_OF_MEMORY' };
}
