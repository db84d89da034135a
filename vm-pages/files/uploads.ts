import { fileAddress } from './file-list.ts';

const SHOWN_AFTER_MS = 5_000;

/** Uploads files one after the other, each with a line that says how far it is, or what went wrong. */
export class Uploads {
  readonly #list: HTMLUListElement;
  readonly #onDone: () => void;
  #last: Promise<void> = Promise.resolve();

  constructor(list: HTMLUListElement, onDone: () => void) {
    this.#list = list;
    this.#onDone = onDone;
  }

  add(folder: string, files: Iterable<File>): void {
    for (const file of files) {
      const line = document.createElement('li');
      const words = document.createElement('span');
      words.textContent = `${file.name}: waiting…`;
      line.append(words);
      this.#list.append(line);
      this.#last = this.#last.then(() => this.#upload(folder, file, line, words));
    }
  }

  async #upload(folder: string, file: File, line: HTMLLIElement, words: HTMLElement): Promise<void> {
    const bar = document.createElement('progress');
    bar.max = 100;
    const stop = document.createElement('button');
    stop.type = 'button';
    stop.textContent = 'Stop';
    line.append(bar, stop);
    const request = new XMLHttpRequest();
    stop.addEventListener('click', () => request.abort());
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      const percent = total === 0 ? 100 : Math.floor((loaded * 100) / total);
      bar.value = percent;
      words.textContent = `${file.name}: ${percent} %`;
    });
    const problem = await new Promise<string | undefined>((resolve) => {
      request.addEventListener('load', () => resolve(request.status === 201 ? undefined : request.responseText));
      // Also what a browser cannot read: a folder.
      request.addEventListener('error', () => resolve('It could not be sent. Folders cannot be uploaded.'));
      request.addEventListener('abort', () => resolve('Stopped.'));
      request.open('PUT', fileAddress(`${folder}/${file.name}`));
      request.send(file);
    });
    bar.remove();
    stop.remove();
    line.classList.toggle('failed', problem !== undefined);
    words.textContent = `${file.name}: ${problem ?? 'uploaded.'}`;
    if (problem === undefined) setTimeout(() => line.remove(), SHOWN_AFTER_MS);
    this.#onDone();
  }
}
