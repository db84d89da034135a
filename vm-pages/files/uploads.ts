import type { Dropped, DroppedFile } from './dropped.ts';
import { sendFile } from './send-file.ts';

const SHOWN_AFTER_MS = 5_000;
/** Of a folder, at a time: each takes the gateway most of a second, however small it is. */
const SENT_AT_ONCE = 3;

/** Uploads files and folders one after the other, each with a line that says how far it is, or what went wrong. */
export class Uploads {
  readonly #list: HTMLUListElement;
  readonly #onDone: () => void;
  #last: Promise<void> = Promise.resolve();

  constructor(list: HTMLUListElement, onDone: () => void) {
    this.#list = list;
    this.#onDone = onDone;
  }

  /** Uploads what was dropped into a folder of the VM. */
  add(folder: string, dropped: Promise<Dropped>): void {
    const line = document.createElement('li');
    const words = document.createElement('span');
    words.textContent = 'Waiting…';
    line.append(words);
    this.#list.append(line);
    const before = this.#last;
    this.#last = dropped
      .then(async (one) => {
        words.textContent = `${one.name}: waiting…`;
        await before;
        await this.#upload(folder, one, line, words);
      })
      .catch(async (error: unknown) => {
        line.classList.add('failed');
        words.textContent = `The folder ${error instanceof Error ? error.message : 'could not be read.'}`;
        await before;
      });
  }

  async #upload(folder: string, dropped: Dropped, line: HTMLLIElement, words: HTMLElement): Promise<void> {
    const { name, isFolder, files } = dropped;
    const bar = document.createElement('progress');
    const stop = document.createElement('button');
    stop.type = 'button';
    stop.textContent = 'Stop';
    line.append(bar, stop);
    const ended = new AbortController();
    stop.addEventListener('click', () => ended.abort());
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
    const sent = new Map<DroppedFile, number>();
    let done = 0;
    const show = (): void => {
      const total = [...sent.values()].reduce((sum, each) => sum + each, 0);
      const percent = bytes === 0 ? 0 : Math.min(100, Math.floor((total * 100) / bytes));
      bar.max = 100;
      bar.value = percent;
      words.textContent = `${name}: ${isFolder ? `${done} of ${files.length} files, ` : ''}${percent} %`;
    };
    const problems: string[] = files.length === 0 ? ['It has no files, so nothing was uploaded.'] : [];
    const waiting = [...files];
    const work = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined && !ended.signal.aborted; one = waiting.shift()) {
        const mine = one;
        const onProgress = (loaded: number): void => {
          sent.set(mine, loaded);
          show();
        };
        const problem = await sendFile(`${folder}/${mine.path}`, mine.file, { signal: ended.signal, onProgress });
        if (problem === undefined) done += 1;
        else problems.push(isFolder ? `${mine.path}: ${problem}` : problem);
        onProgress(mine.file.size);
      }
    };
    show();
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, work));
    bar.remove();
    stop.remove();
    const [problem] = problems;
    line.classList.toggle('failed', problem !== undefined);
    const outcome = isFolder ? `${done} of ${files.length} files are there.` : problem === undefined ? 'uploaded.' : '';
    words.textContent = `${name}: ${[outcome, problem].filter(Boolean).join(' ')}`;
    if (problem === undefined) setTimeout(() => line.remove(), SHOWN_AFTER_MS);
    this.#onDone();
  }
}
