import type { Probe } from '../../catalog/probe.ts';

/** How an app answered: an HTTP status, bytes that are not HTTP, or nothing in time. */
export type AppAnswer = number | 'not-http' | 'nothing';

/** Whether the answer shows that the app is up. `isSignedIn`: the request carried credentials. */
export function isUp(expect: Probe['expect'], isSignedIn: boolean, answer: AppAnswer): boolean {
  if (answer === 'nothing') return false;
  if (answer === 'not-http') return expect === 'answer';
  // From a web server in front of an app that is still starting or has died.
  if (answer >= 500) return false;
  if (expect === 'answer') return true;
  // Also sent by a web server whose page for its own 502 is missing, as in linuxserver.io's Selkies images.
  if (answer === 404) return false;
  // Without credentials: the front asks for a sign-in, whether or not an app is behind it. Refused credentials say as
  // little, but the password inside may differ from the VM's (set by hand, or mangled by a boot script), and such a VM
  // would never be RUNNING.
  if (answer === 401 || answer === 403) return isSignedIn;
  return true;
}
