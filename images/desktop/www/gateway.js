/** What the gateway in front serves beside the desktop. Without a gateway there is nothing below its paths. */
const TERMINAL = '/.swiftor/terminal';
const FILES = '/.swiftor/files';
const FILE = '/.swiftor/file';

/** @returns {Promise<boolean>} Whether it lets this page's visitor reach into the machine. */
export async function isAdmitted() {
  try {
    return (await fetch(TERMINAL, { method: 'HEAD', cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** @returns {Promise<string>} Where people look for files: the desktop, or their home where that has none. */
export async function findFolder() {
  const headers = { accept: 'application/json' };
  const answer = await fetch(FILES, { headers });
  if (!answer.ok) throw new Error(await answer.text());
  const home = (await answer.json()).roots[0];
  const desktop = `${home}/Desktop`;
  return (await fetch(`${FILES}?path=${encodeURIComponent(desktop)}`, { headers })).ok ? desktop : home;
}

/**
 * Uploads a file. Missing folders of its path are made.
 *
 * @param {string} path
 * @param {File} file
 * @param {(percent: number) => void} onProgress
 * @returns {Promise<{ status: number, words: string }>} 201 once it is there; 0 if it could not be sent.
 */
export function upload(path, file, onProgress) {
  const request = new XMLHttpRequest();
  return new Promise((resolve) => {
    const end = () => resolve({ status: request.status, words: request.responseText });
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      onProgress(total === 0 ? 100 : Math.floor((loaded * 100) / total));
    });
    request.addEventListener('loadend', end);
    request.open('PUT', `${FILE}?path=${encodeURIComponent(path)}&parents=1`);
    request.send(file);
  });
}

/** @returns {HTMLIFrameElement} The gateway's page of the files. */
export function filesFrame() {
  const frame = document.createElement('iframe');
  frame.title = 'Files';
  frame.src = FILES;
  return frame;
}
