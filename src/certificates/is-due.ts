import { X509Certificate } from 'node:crypto';

/** A certificate is replaced when a third of its time is left. */
const LEFT = 1 / 3;

/** Whether a certificate is to be replaced: it is none, covers other names, or has little time left. */
export function isDue(pem: string | undefined, names: readonly string[], now = new Date()): boolean {
  const certificate = parse(pem);
  if (certificate === undefined) return true;
  const covered = (certificate.subjectAltName ?? '').split(', ').toSorted();
  if (
    covered.join() !==
    names
      .map((name) => `DNS:${name}`)
      .toSorted()
      .join()
  )
    return true;
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return now.getTime() < from || to - now.getTime() < (to - from) * LEFT;
}

function parse(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
