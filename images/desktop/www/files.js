import { byId } from './by-id.js';
import { filesFrame, findHome, isAdmitted, upload } from './gateway.js';

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
      for (const file of dataTransfer?.files ?? []) this.#add(file);
    });
  }

  open() {
    this.#panel.append(filesFrame());
    this.#panel.showModal();
  }

  /** @param {File} file */
  #add(file) {
    const line = document.createElement('li');
    line.textContent = `${file.name}: waiting…`;
    this.#list.append(line);
    /** @param {string} words */
    const tell = (words) => (line.textContent = `${file.name}: ${words}`);
    this.#last = this.#last
      .then(() => this.#upload(file, tell))
      .catch((error) => void tell(error instanceof Error ? error.message : 'not uploaded.'))
      .then(() => void setTimeout(() => line.remove(), SHOWN_MS));
  }

  /**
   * To the desktop, or to the home where that has none.
   *
   * @param {File} file
   * @param {(words: string) => void} tell
   */
  async #upload(file, tell) {
    const home = await findHome();
    for (const folder of [`${home}/Desktop`, home]) {
      const { status, words } = await upload(folder, file, (percent) => tell(`${percent} %`));
      if (status === 201) return tell(`is in ${folder}.`);
      if (status === 0) return tell('could not be sent. Folders cannot be uploaded.');
      if (status !== 404) return tell(words);
    }
    tell('There is no folder for it.');
  }
}
