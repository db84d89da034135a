import { z } from 'zod';

const token = z.string().regex(/^[\w-]{1,80}$/, 'must be letters, digits, "_" and "-"');

/** How the gateway signs a browser with access in to an app, with VM_PASSWORD. */
export const signInSchema = z.discriminatedUnion('kind', [
  /** HTTP Basic in each request. */
  z.strictObject({
    kind: z.literal('basic'),
    user: z
      .string()
      .min(1)
      .max(80)
      .regex(/^[^:\p{Cc}]+$/u, 'must not contain ":"')
      .default('abc'),
  }),
  /** The app's own form, which the gateway sends itself. It keeps the cookie, and adds it to each request. */
  z.strictObject({
    kind: z.literal('form'),
    path: z.string().regex(/^\/[!-~]{0,199}$/, 'must be a path such as "/login"'),
    /** The form's field for the password. */
    field: token.default('password'),
    cookie: token,
  }),
]);

export type SignIn = z.output<typeof signInSchema>;
