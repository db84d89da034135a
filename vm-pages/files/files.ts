import './files.css';
import { byId } from '../by-id.ts';
import { chosenFolder, droppedFile, readDrop, type Dropped } from './dropped.ts';
import { fetchList, fileAddress, type FileList } from './file-list.ts';
import { showEntries } from './show-entries.ts';
import { Uploads } from './uploads.ts';

const status = byId('status', HTMLElement);
const upload = byId('upload', HTMLInputElement);
const folder = byId('upload-folder', HTMLInputElement);
const all = byId('all', HTMLAnchorElement);
const path = byId('path', HTMLElement);
/** What is shown; undefined before the first list. */
let shown: FileList | undefined;
/** Counts what was asked for: only the newest answer is shown. */
let asked = 0;

// In the panel of a desktop's page, which has a frame of its own.
document.body.classList.toggle('framed', window !== window.top);
document.querySelector('h1')?.append(document.body.dataset['vm'] ?? '');

const uploads = new Uploads(byId('transfers', HTMLUListElement), () => void load());

/** The folder in the address, which Back and Forward change too. */
const wanted = (): string => decodeURIComponent(location.hash.slice(1));

async function load(): Promise<void> {
  asked += 1;
  const mine = asked;
  if (shown?.path !== wanted()) status.textContent = 'Loading…';
  try {
    const list = await fetchList(wanted());
    if (mine !== asked) return;
    shown = list;
    showPath(list);
    showEntries(list);
    const isEmpty = list.entries.length === 0;
    status.textContent = isEmpty ? 'This folder is empty.' : list.isWhole ? '' : 'The first 1,000 are shown.';
  } catch (error) {
    if (mine === asked) status.textContent = error instanceof Error ? error.message : 'The files cannot be listed now.';
  }
}

/** The folder's parts as links, and the other folders that are kept. */
function showPath(list: FileList): void {
  const root = list.roots.find((each) => list.path === each || list.path.startsWith(`${each}/`)) ?? list.path;
  const names = list.path
    .slice(root.length + 1)
    .split('/')
    .filter((name) => name !== '');
  const parts = [
    ...list.roots.filter((each) => each !== root).map((each) => [each, each] as const),
    [root, root] as const,
  ];
  let at = root;
  for (const name of names) {
    at += `/${name}`;
    parts.push([at, name]);
  }
  path.replaceChildren(
    ...parts.map(([target, name]) => {
      const link = document.createElement('a');
      link.href = `#${encodeURIComponent(target)}`;
      link.textContent = name;
      if (target === list.path) link.setAttribute('aria-current', 'page');
      return link;
    }),
  );
  all.href = fileAddress(list.path);
}

function add(...all: readonly Promise<Dropped>[]): void {
  if (shown === undefined) {
    status.textContent = 'The folder is still loading: try again in a moment.';
    return;
  }
  for (const each of all) uploads.add(shown.path, each);
}

upload.addEventListener('change', () => {
  add(...[...(upload.files ?? [])].map(async (file) => droppedFile(file)));
  upload.value = '';
});
folder.addEventListener('change', () => {
  const files = [...(folder.files ?? [])];
  if (files.length > 0) add((async () => chosenFolder(files))());
  folder.value = '';
});
for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    document.body.classList.toggle('dropping', type === 'dragenter' || type === 'dragover');
  });
}
document.addEventListener('drop', ({ dataTransfer }) => add(...(dataTransfer === null ? [] : readDrop(dataTransfer))));
window.addEventListener('hashchange', () => void load());
void load();
