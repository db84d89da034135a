/** What was dropped or chosen: a file, or a folder with all files below it. */
export interface Dropped {
  readonly name: string;
  readonly isFolder: boolean;
  readonly files: readonly DroppedFile[];
}

export interface DroppedFile {
  /** From what was dropped on: `photos/2026/a.jpg`. */
  readonly path: string;
  readonly file: File;
}

/** More is a mistake, or a task for an archive. */
const MOST_FILES = 5_000;

/** A drop, which is to be read in its event; folders are read later. Rejects with words for people. */
export function readDrop({ items }: DataTransfer): readonly Promise<Dropped>[] {
  return [...items].flatMap((item) => {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory === true) return readFolder(entry as FileSystemDirectoryEntry);
    return file === null ? [] : Promise.resolve(droppedFile(file));
  });
}

export function droppedFile(file: File): Dropped {
  return { name: file.name, isFolder: false, files: [{ path: checkedName(file.name), file }] };
}

/** A folder that was chosen by a button; its files know their paths. */
export function chosenFolder(files: readonly File[]): Dropped {
  const all = files.map((file) => {
    return { file, path: file.webkitRelativePath.split('/').map(checkedName).join('/') };
  });
  return { name: all[0]?.path.split('/')[0] ?? '', isFolder: true, files: all };
}

async function readFolder(folder: FileSystemDirectoryEntry): Promise<Dropped> {
  const files: DroppedFile[] = [];
  const walk = async (directory: FileSystemDirectoryEntry, before: string): Promise<void> => {
    const here = `${before}${checkedName(directory.name)}/`;
    for (const entry of await readEntries(directory)) {
      if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, here);
      else files.push({ path: here + checkedName(entry.name), file: await fileOf(entry as FileSystemFileEntry) });
      if (files.length > MOST_FILES)
        throw new Error(`has more than ${MOST_FILES.toLocaleString()} files: upload it as an archive.`);
    }
  };
  await walk(folder, '');
  return { name: folder.name, isFolder: true, files };
}

/** A browser gives a hundred at a time. */
async function readEntries(directory: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = directory.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A part of a path leads down by one step. The gateway refuses others, too. */
function checkedName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
    throw new Error('has a name that a path cannot have.');
  return name;
}
