import { plural } from './format.ts';

/** The screen of one VM, and what is done to it. */
export const vmWords = {
  rename: { title: (name: string) => `Rename ${name}`, name: 'Name' },
  remove: {
    title: (name: string) => `Delete ${name}?`,
    nothing: 'Nothing of it is kept.',
    forGood: 'This deletes for good, with no way back:',
    files: (size: string) => `${size} of files on its volumes`,
    secrets: (count: number) => plural(count, 'secret'),
    names: (count: number) => plural(count, 'name'),
    ports: (ports: readonly number[]) => `${plural(ports.length, 'public port')} (${ports.join(', ')})`,
    isRunning: 'It is running: whoever works in it now is cut off.',
    type: (name: string) => `Type ${name} to confirm`,
    submit: 'Delete for good',
  },
};
