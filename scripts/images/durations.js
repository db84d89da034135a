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

/** The seconds that are left as this machine goes: `elapsed` were taken for what takes `done` where the recipes were measured. */
export function atThisPace(secondsLeft, { done, elapsed }) {
  const slowness = done < 10 ? 1 : Math.max(1, elapsed / done);
  return Math.round(secondsLeft * slowness);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
