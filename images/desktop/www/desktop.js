import RFB from './novnc/core/rfb.js';
import { Sound } from './sound.js';

const LONGEST_PAUSE_MS = 5000;
const byId = (id) => document.getElementById(id);
const socketUrl = (path) => new URL(path, location.href).href.replace(/^http/, 'ws');

let rfb;
let failures = 0;
/** What either side's clipboard last was: telling one what came from it would go round for ever. */
let clipboard = '';

function tell(text) {
  byId('status').textContent = text;
}

function connect() {
  byId('screen').replaceChildren();
  rfb = new RFB(byId('screen'), socketUrl('vnc'), { shared: true });
  rfb.resizeSession = true;
  rfb.scaleViewport = true;
  rfb.compressionLevel = 2;
  rfb.background = '#14202b';
  setQuality();
  rfb.addEventListener('connect', () => {
    failures = 0;
    tell('');
    rfb.focus();
  });
  rfb.addEventListener('disconnect', reconnect);
  rfb.addEventListener('clipboard', ({ detail }) => {
    clipboard = detail.text;
    byId('clipboard-text').value = clipboard;
    // Withheld on plain http, and without focus; the dialog is for that.
    navigator.clipboard?.writeText(clipboard).catch(() => undefined);
  });
}

async function reconnect() {
  tell('The connection was lost. Trying again…');
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
  rfb.qualityLevel = Number(byId('quality').value);
}

/** The page has come to the front: what was copied elsewhere in between goes to the desktop. */
async function takeClipboard() {
  const text = await navigator.clipboard?.readText().catch(() => '');
  if (!text || text === clipboard) return;
  clipboard = text;
  rfb.clipboardPasteFrom(text);
}

const sound = new Sound(() => socketUrl('audio'), (isOn) => {
  byId('sound').textContent = isOn ? 'Mute' : 'Sound';
});

window.addEventListener('focus', takeClipboard);
byId('quality').addEventListener('change', setQuality);
byId('sound').addEventListener('click', () => sound.toggle());
byId('ctrl-alt-del').addEventListener('click', () => rfb.sendCtrlAltDel());
byId('open-clipboard').addEventListener('click', () => byId('clipboard').showModal());
byId('full-screen').addEventListener('click', () => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen();
});
byId('clipboard').addEventListener('close', () => {
  if (byId('clipboard').returnValue === 'send') {
    clipboard = byId('clipboard-text').value;
    rfb.clipboardPasteFrom(clipboard);
  }
  rfb.focus();
});

connect();
