import RFB from './novnc/core/rfb.js';
import { Sound } from './sound.js';

const LONGEST_PAUSE_MS = 5000;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} "${id}".`);
  return element;
}

/** @param {string} path */
const socketUrl = (path) => new URL(path, location.href).href.replace(/^http/, 'ws');

const screen = byId('screen', HTMLElement);
const quality = byId('quality', HTMLSelectElement);
const soundButton = byId('sound', HTMLButtonElement);
const clipboardDialog = byId('clipboard', HTMLDialogElement);
const clipboardText = byId('clipboard-text', HTMLTextAreaElement);

/** @type {RFB} */
let rfb;
let failures = 0;
/** The last text of either clipboard: it is not sent back to where it came from. */
let clipboard = '';

/** @param {string} text */
function showStatus(text) {
  byId('status', HTMLElement).textContent = text;
}

function connect() {
  screen.replaceChildren();
  rfb = new RFB(screen, socketUrl('vnc'), { shared: true });
  rfb.resizeSession = true;
  rfb.scaleViewport = true;
  rfb.compressionLevel = 2;
  rfb.background = '#14202b';
  setQuality();
  rfb.addEventListener('connect', () => {
    failures = 0;
    showStatus('');
    rfb.focus();
  });
  rfb.addEventListener('disconnect', reconnect);
  rfb.addEventListener('clipboard', ({ detail }) => {
    clipboard = detail.text;
    clipboardText.value = clipboard;
    // Withheld on plain http, and without focus; the dialog is for that.
    void navigator.clipboard?.writeText(clipboard).catch(() => undefined);
  });
}

async function reconnect() {
  showStatus('The connection was lost. Trying again…');
  const pause = Math.min(500 * 2 ** failures, LONGEST_PAUSE_MS);
  failures += 1;
  await new Promise((resolve) => setTimeout(resolve, pause));
  if (await isSignedOut()) location.reload();
  else connect();
}

/** Also when it is no longer the desktop that answers here, as after a stop: then too, reloading shows what is. */
async function isSignedOut() {
  try {
    const answer = await fetch('desktop.js', { headers: { accept: '*/*' }, cache: 'no-store', redirect: 'manual' });
    return !answer.ok;
  } catch {
    return false;
  }
}

function setQuality() {
  rfb.qualityLevel = Number(quality.value);
}

/** The page has come to the front: what was copied elsewhere in between goes to the desktop. */
async function takeClipboard() {
  const text = await navigator.clipboard?.readText().catch(() => '');
  if (!text || text === clipboard) return;
  clipboard = text;
  rfb.clipboardPasteFrom(text);
}

const sound = new Sound(() => socketUrl('audio'), (isOn) => {
  soundButton.textContent = isOn ? 'Mute' : 'Sound';
});

window.addEventListener('focus', takeClipboard);
quality.addEventListener('change', setQuality);
soundButton.addEventListener('click', () => sound.toggle());
byId('ctrl-alt-del', HTMLButtonElement).addEventListener('click', () => rfb.sendCtrlAltDel());
byId('open-clipboard', HTMLButtonElement).addEventListener('click', () => clipboardDialog.showModal());
byId('full-screen', HTMLButtonElement).addEventListener('click', () => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen();
});
clipboardDialog.addEventListener('close', () => {
  if (clipboardDialog.returnValue === 'send') {
    clipboard = clipboardText.value;
    rfb.clipboardPasteFrom(clipboard);
  }
  rfb.focus();
});

connect();
