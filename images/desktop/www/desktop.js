import { byId } from './by-id.js';
import { Clipboard } from './clipboard.js';
import { Connection } from './connection.js';
import { Cover } from './cover.js';
import { Files } from './files.js';
import { followFullScreen, toggleFullScreen } from './full-screen.js';
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
const cover = new Cover();
/** What has taken this long to arrive came over a slow network: its first picture is to be a small one. */
const SLOW_MS = 3000;
if (performance.now() > SLOW_MS) quality.value = '2';

const connection = new Connection(screen, !isViewer, {
  onOpening: (rfb) => {
    rfb.qualityLevel = Number(quality.value);
    rfb.viewOnly = isViewer;
  },
  onOpen: (canvas) => {
    cover.liftFor(canvas, 'Waiting for the picture…');
    typing.focus();
  },
  onLost: (words, canvas) => cover.show(words, canvas),
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
  leave: () => toolbar.open(),
});
const toolbar = new Toolbar(() => typing.focus());
const clipboard = new Clipboard(!isViewer, (text) => connection.paste(text), () => typing.focus());
const files = new Files(() => typing.focus());
const sound = new Sound((isOn) => (soundButton.textContent = isOn ? 'Mute' : 'Sound'));

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
onTool('full-screen', () => void toggleFullScreen());
onTool('open-clipboard', () => clipboard.openDialog());
onTool('open-files', () => files.open());
onTool('ctrl-alt-del', () => connection.ctrlAltDel());
onTool('sound', () => sound.toggle());
quality.addEventListener('change', () => {
  connection.setQuality(Number(quality.value));
  toolbar.close();
});
// On the way down: the canvas ends these events.
for (const type of ['mousedown', 'touchstart']) screen.addEventListener(type, () => typing.focus(), true);
for (const type of ['focus', 'visibilitychange']) window.addEventListener(type, () => connection.fit(), true);

followFullScreen(byId('full-screen', HTMLButtonElement));
connection.open();
if (!isViewer) void files.offer();
