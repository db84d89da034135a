/** Seconds that building these takes where their first step, which recipes of the same files share, is built once. */
export function secondsOf(recipes) {
  const shared = new Map();
  let own = 0;
  for (const { files, seconds, fetchSeconds = 0 } of recipes) {
    const [first, ...rest] = seconds;
    shared.set(files[0][0], first);
    own += sum(rest) + fetchSeconds;
  }
  return own + sum([...shared.values()]);
}

/** For a person. */
export function toDuration(seconds) {
  return seconds < 100 ? `${Math.max(10, Math.round(seconds / 10) * 10)} s` : `${Math.round(seconds / 60)} min`;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
