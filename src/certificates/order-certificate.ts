import acme from 'acme-client';
import { withDeadline } from '../lib/concurrency/with-deadline.ts';
import type { Challenges } from './challenges.ts';
import type { CertificatePair } from './certificate-files.ts';

const ORDER_MS = 15 * 60_000;

interface OrderOptions {
  /** The authority's directory. */
  readonly directoryUrl: string;
  readonly email: string | undefined;
  /** PEM; the account at the authority belongs to it. */
  readonly accountKey: string;
  readonly names: readonly string[];
  readonly challenges: Challenges;
}

/** A new key for the authority, PEM: an account's, or a certificate's. */
export async function createKey(): Promise<string> {
  return (await acme.crypto.createPrivateEcdsaKey()).toString();
}

/** Orders a certificate from an authority by ACME (RFC 8555), with a key of its own. Rejects within 15 minutes. */
export async function orderCertificate(options: OrderOptions, signal: AbortSignal): Promise<CertificatePair> {
  const { directoryUrl, email, accountKey, names, challenges } = options;
  const client = new acme.Client({ directoryUrl, accountKey });
  const key = await createKey();
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] }, key);
  const order = () =>
    client.auto({
      csr,
      termsOfServiceAgreed: true,
      challengePriority: [challenges.kind],
      // The authority looks itself, and may see names that this machine does not.
      skipChallengeVerification: true,
      challengeCreateFn: ({ identifier }, { token }, value) =>
        challenges.present({ name: identifier.value, token, value }),
      challengeRemoveFn: ({ identifier }, { token }, value) =>
        challenges.remove({ name: identifier.value, token, value }),
      ...(email !== undefined && { email }),
    });
  try {
    return { cert: await withDeadline(ORDER_MS, signal, order), key };
  } catch (error) {
    throw new Error(`${directoryUrl} gave no certificate for ${names.join(', ')}.`, { cause: error });
  }
}
