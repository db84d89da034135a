/**
 * What was dropped: a file, or a folder with all files below it. Paths begin with its name.
 *
 * @typedef {{ name: string, isFolder: boolean, files: readonly { path: string, file: File }[] }} Dropped
 */

/** More is a mistake, or a task for an archive. */
const MOST_FILES = 5000;

/**
 * Reads a drop, within its event; folders are read later. Rejects with words for people.
 *
 * @param {DataTransfer | null} transfer
 * @returns {{ name: string, dropped: Promise<Dropped> }[]}
 */
export function readDrop(transfer) {
  return [...(transfer?.items ?? [])].flatMap((item) => {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) {
      return { name: entry.name, dropped: readFolder(/** @type {FileSystemDirectoryEntry} */ (entry)) };
    }
    if (file === null) return [];
    const { name } = file;
    return { name, dropped: Promise.resolve({ name, isFolder: false, files: [{ path: name, file }] }) };
  });
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<Dropped>}
 */
async function readFolder(folder) {
  /** @type {{ path: string, file: File }[]} */
  const files = [];
  /**
   * @param {FileSystemDirectoryEntry} directory
   * @param {string} path
   */
  const walk = async (directory, path) => {
    for (const entry of await readEntries(directory)) {
      const own = `${path}/${entry.name}`;
      if (entry.isDirectory) await walk(/** @type {FileSystemDirectoryEntry} */ (entry), own);
      else files.push({ path: own, file: await fileOf(/** @type {FileSystemFileEntry} */ (entry)) });
      if (files.length > MOST_FILES) throw new Error(`has more than ${MOST_FILES} files: upload it as an archive.`);
    }
  };
  await walk(folder, folder.name);
  if (files.length === 0) throw new Error('has no files, so nothing was uploaded.');
  return { name: folder.name, isFolder: true, files };
}

/**
 * A browser gives a hundred at a time.
 *
 * @param {FileSystemDirectoryEntry} directory
 * @returns {Promise<FileSystemEntry[]>}
 */
async function readEntries(directory) {
  const reader = directory.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
