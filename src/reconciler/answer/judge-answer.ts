import type { Probe } from '../../catalog/probe.ts';

/** What came of asking an app: a status, bytes that are no HTTP, or no answer in time. */
export type AppAnswer = number | 'not-http' | 'nothing';

/** Whether the answer shows that the app is up. `isSignedIn`: a user and a password were sent. */
export function isUp(expect: Probe['expect'], isSignedIn: boolean, answer: AppAnswer): boolean {
  if (answer === 'nothing') return false;
  if (answer === 'not-http') return expect === 'answer';
  // A web server in front of an app that is still starting, or that has died, says just that.
  if (answer >= 500) return false;
  if (expect === 'answer') return true;
  // Also what a web server in front makes of its own 502 when its page for that is missing, as in linuxserver.io's Selkies images.
  if (answer === 404) return false;
  // Nothing was sent: that is the front asking for a sign-in, with or without an app behind it. A sign-in that is refused tells as little,
  // but the image's password may be another than the VM's (set by hand inside, or mangled by its boot script), and such a VM would
  // never be RUNNING.
  if (answer === 401 || answer === 403) return isSignedIn;
  return true;
}
