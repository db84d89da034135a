import { byId } from './by-id.js';
import { readDrop } from './dropped.js';
import { filesFrame, findFolder, isAdmitted, upload } from './gateway.js';

const SHOWN_MS = 6000;

/** Files in and out: a panel, and what is dropped on the desktop. Only where the gateway offers them. */
export class Files {
  #panel = byId('files', HTMLDialogElement);
  #list = byId('uploads', HTMLUListElement);
  /** Uploads run one after the other. */
  #last = Promise.resolve();

  /** @param {() => void} onClose The keyboard goes back to the desktop. */
  constructor(onClose) {
    this.#panel.addEventListener('close', () => {
      this.#panel.querySelector('iframe')?.remove();
      onClose();
    });
  }

  /** Shows the buttons, and takes what is dropped. */
  async offer() {
    if (!(await isAdmitted())) return;
    byId('open-files', HTMLButtonElement).hidden = false;
    byId('terminal', HTMLAnchorElement).hidden = false;
    for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
      document.addEventListener(type, (event) => {
        event.preventDefault();
        document.body.classList.toggle('dropping', type === 'dragenter' || type === 'dragover');
      });
    }
    document.addEventListener('drop', ({ dataTransfer }) => {
      for (const { name, dropped } of readDrop(dataTransfer)) this.#add(name, dropped);
    });
  }

  open() {
    this.#panel.append(filesFrame());
    this.#panel.showModal();
  }

  /**
   * @param {string} name
   * @param {Promise<import('./dropped.js').Dropped>} dropped
   */
  #add(name, dropped) {
    const line = document.createElement('li');
    line.textContent = `${name}: waiting…`;
    this.#list.append(line);
    /** @param {string} words */
    const tell = (words) => (line.textContent = `${name}: ${words}`);
    // What is read meanwhile fails in its turn.
    dropped.catch(() => undefined);
    this.#last = this.#last
      .then(async () => this.#upload(await dropped, tell))
      .catch((error) => void tell(error instanceof Error ? error.message : 'not uploaded.'))
      .then(() => void setTimeout(() => line.remove(), SHOWN_MS));
  }

  /**
   * @param {import('./dropped.js').Dropped} dropped
   * @param {(words: string) => void} tell
   */
  async #upload({ isFolder, files }, tell) {
    const folder = await findFolder();
    for (const [done, { path, file }] of files.entries()) {
      const before = isFolder ? `${done} of ${files.length} files, ` : '';
      const { status, words } = await upload(`${folder}/${path}`, file, (percent) => tell(`${before}${percent} %`));
      if (status !== 201) return tell(`${before}${status === 0 ? 'it could not be sent.' : words}`);
    }
    tell(`is in ${folder}.`);
  }
}
