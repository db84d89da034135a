import { z } from 'zod';

const path = z
  .string()
  .max(200)
  .regex(/^\/[!-~]*$/, 'must be a path such as "/" or "/websocket"');

/** How an app is asked whether it is up: on its default port, as the ingress would reach it. */
export const probeSchema = z.strictObject({
  /** One path; or several, where the versions of an image differ, of which one has to answer. */
  path: z.union([path, z.array(path).min(1).max(4)], 'must be a path such as "/" or "/websocket", or a list of up to 4').default('/'),
  /** `basic`: HTTP Basic, with CUSTOM_USER of `env` (abc without it) and the first of `passwordVariables`. */
  signIn: z.enum(['none', 'basic']).default('none'),
  /**
   * `answer`: anything but a 5xx. `websocket`: what only the server of a WebSocket says at this path, and no web server in front of it;
   * it is asked for a WebSocket and never gets to open one, so that nobody's session is disturbed.
   */
  expect: z.enum(['answer', 'websocket']).default('answer'),
});

export type Probe = z.output<typeof probeSchema>;

/** Of whatever nothing else is known about. */
export const PLAIN_PROBE = { path: '/', signIn: 'none', expect: 'answer' } as const satisfies Probe;
