import { byId } from '../by-id.ts';
import { fileAddress, type FileEntry, type FileList } from './file-list.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Shows a folder: folders first, then by name. */
export function showEntries({ path, entries }: FileList): void {
  const table = document.querySelector('table');
  const body = document.querySelector('tbody');
  if (table === null || body === null) throw new Error('The page has no table.');
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const isFolder = ({ kind }: FileEntry): number => Number(kind === 'directory');
  const sorted = entries.toSorted((one, other) => isFolder(other) - isFolder(one) || compare(one.name, other.name));
  body.replaceChildren(...sorted.map((entry) => rowOf(path, entry)));
  table.hidden = entries.length === 0;
  byId('hint', HTMLElement).hidden = false;
}

function rowOf(folder: string, { name, kind, bytes, modifiedAt }: FileEntry): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.className = kind;
  const path = `${folder}/${name}`;
  const label = document.createElement('td');
  if (kind === 'file' || kind === 'directory') {
    const link = document.createElement('a');
    link.href = kind === 'file' ? fileAddress(path) : `#${encodeURIComponent(path)}`;
    if (kind === 'file') link.download = name;
    link.textContent = kind === 'directory' ? `${name}/` : name;
    label.append(link);
  } else {
    label.textContent = kind === 'link' ? `${name} (link)` : name;
  }
  const changed = new Date(modifiedAt);
  row.append(
    label,
    cellOf(kind === 'file' ? sizeOf(bytes) : ''),
    cellOf(changed.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })),
  );
  return row;
}

function cellOf(text: string): HTMLTableCellElement {
  const cell = document.createElement('td');
  cell.textContent = text;
  return cell;
}

/** In decimal units, as file managers show it. */
export function sizeOf(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toLocaleString([], { maximumFractionDigits: unit > 0 && value < 10 ? 1 : 0 })} ${UNITS[unit]}`;
}
