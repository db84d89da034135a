import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import './terminal.css';
import { byId } from '../by-id.ts';
import { allowStyles } from './allow-styles.ts';
import { connectClipboard } from './clipboard.ts';
import { Connection } from './connection.ts';
import { ExtraKeys } from './extra-keys.ts';
import { terminalColours } from './terminal-colours.ts';

allowStyles();
const status = byId('status', HTMLElement);
const again = byId('again', HTMLButtonElement);
const screen = byId('screen', HTMLElement);
document.querySelector('h1')?.append(document.body.dataset['vm'] ?? '');

const terminal = new Terminal({
  cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
  fontFamily: 'ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace',
  fontSize: 14,
  scrollback: 5_000,
  theme: terminalColours(),
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(screen);
fit.fit();

const connection = new Connection(terminal, {
  onOpen() {
    status.textContent = '';
    again.hidden = true;
    document.body.dataset['state'] = 'open';
  },
  onLost: (words) => show('lost', words),
  onEnd(words, mayOpen) {
    show('ended', words);
    again.hidden = !mayOpen;
    if (mayOpen) again.focus();
  },
});
const keys = new ExtraKeys(terminal, (text) => connection.type(text));

function show(state: string, words: string): void {
  document.body.dataset['state'] = state;
  status.textContent = words;
}

terminal.onData((text) => connection.type(keys.apply(text)));
terminal.onBinary((text) => connection.type(Uint8Array.from(text, (each) => each.charCodeAt(0))));
terminal.onResize(() => connection.resize());
terminal.onTitleChange((title) => (document.title = title === '' ? 'Terminal' : title));
connectClipboard(terminal);
new ResizeObserver(() => fit.fit()).observe(screen);
again.addEventListener('click', () => {
  again.hidden = true;
  show('opening', 'Connecting…');
  connection.open();
  terminal.focus();
});
// Closing the tab ends what runs here.
window.addEventListener('beforeunload', (event) => {
  if (connection.isOpen) event.preventDefault();
});
connection.open();
terminal.focus();
