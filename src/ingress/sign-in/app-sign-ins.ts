import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { SignIn } from '../../catalog/sign-in.ts';
import type { Db } from '../../db/database.ts';
import type { SecretBox } from '../../secrets/secret-box.ts';
import { readAppPassword } from '../../vm/access/app-password.ts';
import type { Ticket } from '../access/ticket.ts';
import type { Credentials } from '../headers/credentials.ts';
import type { Upstream } from '../routing/resolution.ts';
import { signInByForm } from './sign-in-by-form.ts';

/** A request of a visitor with access to an app. */
export interface SignInRequest {
  readonly target: Upstream;
  readonly signIn: SignIn;
  readonly ticket: Ticket;
  /** Changes with the VM, its secrets included. */
  readonly vmVersion: number;
  /** The client's address, for the audit. */
  readonly from: string;
  /** The app, for its form. */
  readonly app: Dispatcher;
}

interface Known {
  readonly vmVersion: number;
  /** Of the password: an unchanged one is not sent to the form again. */
  readonly digest: string;
  /** Undefined if there is no password, or the app did not sign in. */
  readonly credentials: Credentials | undefined;
  /** When a form that did not sign in is sent again, by performance.now(). */
  readonly retryAt: number;
}

interface Reading {
  readonly target: Upstream;
  readonly vmVersion: number;
  readonly credentials: Promise<Credentials | undefined>;
}

/** Apps limit how often a form is sent: code-server takes two a minute. */
const RETRY_MS = 60_000;

/**
 * What signs the holders of accesses in to apps.
 *
 * INVARIANTS
 * - A password is read once for each access, which the audit records, and again when the VM or its secrets change.
 * - What is known of an app goes with its upstream, and so with its container.
 */
export class AppSignIns {
  readonly #db: Db;
  readonly #secretBox: SecretBox;
  readonly #known = new WeakMap<Upstream, Known>();
  readonly #reading = new WeakMap<Ticket, Reading>();
  readonly #recorded = new WeakSet<Ticket>();

  constructor({ db, secretBox }: { readonly db: Db; readonly secretBox: SecretBox }) {
    this.#db = db;
    this.#secretBox = secretBox;
  }

  /** Undefined if the app has to ask. Synchronous once it is known. */
  find(request: SignInRequest): Credentials | undefined | Promise<Credentials | undefined> {
    const { target, ticket, vmVersion } = request;
    const known = this.#known.get(target);
    if (known?.vmVersion === vmVersion && known.retryAt > performance.now() && this.#recorded.has(ticket))
      return known.credentials;
    const reading = this.#reading.get(ticket);
    if (reading?.target === target && reading.vmVersion === vmVersion) return reading.credentials;
    const credentials = this.#read(request).finally(() => this.#reading.delete(ticket));
    this.#reading.set(ticket, { target, vmVersion, credentials });
    return credentials;
  }

  async #read(request: SignInRequest): Promise<Credentials | undefined> {
    const { target, ticket, vmVersion, from } = request;
    const { vmId } = target;
    const password = await readAppPassword(this.#db, this.#secretBox, { vmId, accessId: ticket.id, from });
    this.#recorded.add(ticket);
    const digest = createHash('sha256')
      .update(password ?? '')
      .digest('base64');
    const known = this.#known.get(target);
    if (known?.digest === digest && known.retryAt > performance.now()) {
      this.#known.set(target, { ...known, vmVersion });
      return known.credentials;
    }
    const credentials = password === undefined ? undefined : await signInWith(request, password);
    const mayRetry = password !== undefined && credentials === undefined;
    const retryAt = mayRetry ? performance.now() + RETRY_MS : Number.POSITIVE_INFINITY;
    this.#known.set(target, { vmVersion, digest, credentials, retryAt });
    return credentials;
  }
}

async function signInWith({ signIn, app }: SignInRequest, password: string): Promise<Credentials | undefined> {
  if (signIn.kind === 'form') return signInByForm(app, signIn, password);
  const authorization = `Basic ${Buffer.from(`${signIn.user}:${password}`).toString('base64')}`;
  return { kind: 'basic', authorization };
}
