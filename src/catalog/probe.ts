import { z } from 'zod';

const path = z
  .string()
  .max(200)
  .regex(/^\/[!-~]*$/, 'must be a path such as "/" or "/websocket"');

/** How the gateway checks that an app is up, on its default port. */
export const probeSchema = z.strictObject({
  /** A path, or several for versions of an image that differ. One of them must answer. */
  path: z
    .union([path, z.array(path).min(1).max(4)], 'must be a path such as "/" or "/websocket", or a list of up to 4')
    .default('/'),
  /** `basic`: HTTP Basic with CUSTOM_USER of `env` (or `abc`) and the first of `passwordVariables`. */
  signIn: z.enum(['none', 'basic']).default('none'),
  /**
   * `answer`: a status below 500. `websocket`: a response that proves a WebSocket server, which a reverse proxy alone
   * does not give. The request never opens a WebSocket, so it disturbs no session.
   */
  expect: z.enum(['answer', 'websocket']).default('answer'),
});

export type Probe = z.output<typeof probeSchema>;

/** The default, for unknown images. */
export const PLAIN_PROBE = { path: '/', signIn: 'none', expect: 'answer' } as const satisfies Probe;
