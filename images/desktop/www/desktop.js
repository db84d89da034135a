import { byId } from './by-id.js';
import { Clipboard } from './clipboard.js';
import { Connection } from './connection.js';
import { Sound } from './sound.js';
import { Toolbar } from './toolbar.js';
import { TouchKeyboard } from './touch-keyboard.js';
import { Typing } from './typing.js';

/** Whether this page may only look on. The server leaves its input out, whatever the page sends. */
const isViewer = document.body.dataset['access'] === 'view';
const screen = byId('screen', HTMLElement);
const field = byId('typed', HTMLTextAreaElement);
const quality = byId('quality', HTMLSelectElement);
const soundButton = byId('sound', HTMLButtonElement);
const status = byId('status', HTMLElement);

/** @param {string} text */
const showStatus = (text) => (status.textContent = text);

const connection = new Connection(screen, !isViewer, {
  onOpening: (rfb) => {
    rfb.qualityLevel = Number(quality.value);
    rfb.viewOnly = isViewer;
  },
  onOpen: () => {
    showStatus('');
    typing.focus();
  },
  onLost: () => showStatus('The connection was lost. Trying again…'),
  onClipboard: (text) => clipboard.take(text),
});
const touchKeyboard = new TouchKeyboard(field, (...key) => connection.press(...key));
const typing = new Typing(field, {
  key: (event) => connection.key(event),
  erase: (count) => connection.erase(count),
  text: (text) => {
    connection.type(text);
    touchKeyboard.releaseHeld();
  },
});
const toolbar = new Toolbar(() => typing.focus());
const clipboard = new Clipboard(!isViewer, (text) => connection.paste(text), () => typing.focus());
const sound = new Sound(() => new URL('audio', location.href).href.replace(/^http/, 'ws'), (isOn) => {
  soundButton.textContent = isOn ? 'Mute' : 'Sound';
});

/**
 * @param {string} id
 * @param {() => void} act
 */
function onTool(id, act) {
  byId(id, HTMLButtonElement).addEventListener('click', () => {
    toolbar.close();
    act();
  });
}

onTool('touch-keyboard', () => touchKeyboard.toggle());
onTool('full-screen', () => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen();
});
onTool('open-clipboard', () => clipboard.openDialog());
onTool('ctrl-alt-del', () => connection.ctrlAltDel());
onTool('sound', () => sound.toggle());
quality.addEventListener('change', () => {
  connection.setQuality(Number(quality.value));
  toolbar.close();
});
for (const type of ['mousedown', 'touchstart']) screen.addEventListener(type, () => typing.focus());
for (const type of ['focus', 'visibilitychange']) window.addEventListener(type, () => connection.fit(), true);

connection.open();
