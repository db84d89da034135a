export interface FileEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly bytes: number;
  readonly modifiedAt: string;
}

export interface FileList {
  readonly path: string;
  /** The folders that the VM keeps. */
  readonly roots: readonly string[];
  readonly entries: readonly FileEntry[];
  readonly isWhole: boolean;
}

/** What is in a folder; by default, in the first that the VM keeps. Rejects with words for people. */
export async function fetchList(path: string): Promise<FileList> {
  const headers = { accept: 'application/json' };
  const answer = await fetch(`/.swiftor/files?path=${encodeURIComponent(path)}`, { headers, cache: 'no-store' }).catch(
    () => undefined,
  );
  if (answer === undefined) throw new Error(navigator.onLine ? 'The gateway does not answer.' : 'You are offline.');
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Where a file is read and written; a folder is read as a tar archive. */
export function fileAddress(path: string): string {
  return `/.swiftor/file?path=${encodeURIComponent(path)}`;
}
