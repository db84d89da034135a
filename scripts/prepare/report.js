/** An expected failure: its message is for the person at the terminal and says the way out. */
export class PrepareFailure extends Error {
  name = 'PrepareFailure';
}

export function say(line) {
  process.stderr.write(`prepare: ${line}\n`);
}

/**
 * Shows that `title` is at work until the returned function is called: one line that counts seconds
 * on a terminal, a plain line every 15 s elsewhere.
 */
export function showProgress(title) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const terminal = process.stderr.isTTY;
  if (!terminal) say(`${title} ...`);
  const draw = () => process.stderr.write(`\r\x1b[Kprepare: ${title} ... ${seconds()} s`);
  if (terminal) draw();
  const timer = setInterval(() => (terminal ? draw() : say(`${title}, ${seconds()} s so far`)), terminal ? 1000 : 15_000);
  return (outcome) => {
    clearInterval(timer);
    if (terminal) process.stderr.write('\r\x1b[K');
    say(`${title}: ${outcome} (${seconds()} s)`);
  };
}
