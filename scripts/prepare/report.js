/** An expected failure: its message is for the person at the terminal and says the way out. */
export class PrepareFailure extends Error {
  /** @override */
  name = 'PrepareFailure';
}

let speaker = 'prepare';
let plain = false;

/**
 * Names the speaker of what follows; `plain` where others write to the same terminal, so that no line may be drawn
 * over.
 *
 * @param {string} name
 * @param {{ plain?: boolean }} options
 */
export function speakAs(name, options = {}) {
  speaker = name;
  plain = options.plain ?? false;
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${speaker}: ${line}\n`);
}

/**
 * Says an expected failure by its message; any other is a defect of ours, and shows where it stands.
 *
 * @param {unknown} error
 */
export function sayFailure(error) {
  if (!(error instanceof Error)) say(String(error));
  else say(error instanceof PrepareFailure ? error.message : (error.stack ?? error.message));
}

/**
 * Shows that `title` is at work until the returned function is called: one line that counts seconds on a terminal, a
 * plain line every 15 s elsewhere. `detail` says how far it is.
 *
 * @param {string} title
 */
export function showProgress(title, detail = () => '') {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const terminal = process.stderr.isTTY && !plain;
  const soFar = () => [detail(), `${seconds()} s`].filter((text) => text !== '').join(', ');
  if (!terminal) say(`${title} ...`);
  const draw = () =>
    process.stderr.write(
      `\r\x1b[K${`${speaker}: ${title} ... ${soFar()}`.slice(0, (process.stderr.columns ?? 80) - 1)}`,
    );
  if (terminal) draw();
  const timer = setInterval(() => (terminal ? draw() : say(`${title}: ${soFar()} so far`)), terminal ? 1000 : 15_000);
  return (/** @type {string} */ outcome) => {
    clearInterval(timer);
    if (terminal) process.stderr.write('\r\x1b[K');
    say(`${title}: ${outcome} (${seconds()} s)`);
  };
}
