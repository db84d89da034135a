import path from 'node:path';
import { parseArgs } from 'node:util';
import { readIfThere, writePair, writeSecretFile, type CertificatePair } from '../certificates/certificate-files.ts';
import { isDue } from '../certificates/is-due.ts';
import { readConfig } from '../config/read-config.ts';
import { createLog } from '../log.ts';
import { endOnSignal } from './end-on-signal.ts';

const text = { type: 'string' } as const;
const HINT = 'swiftor --help lists the options.';

/** `swiftor certificate`: gets or renews the certificate of TLS_CERT and TLS_KEY, if it is due. */
export async function certificate(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cert: text,
      key: text,
      domain: text,
      directory: text,
      email: text,
      'dns-hook': text,
      'http-port': text,
      'own-authority': text,
      'agree-terms': { type: 'boolean', default: false },
    },
  });
  const config = readConfig({ ...process.env, TLS_CERT: undefined, TLS_KEY: undefined });
  const certFile = values.cert ?? process.env['TLS_CERT'];
  const keyFile = values.key ?? process.env['TLS_KEY'];
  if (certFile === undefined || keyFile === undefined)
    throw new Error('Name the files: --cert and --key, or TLS_CERT and TLS_KEY.');
  const ways = [values['own-authority'], values['dns-hook'], values['http-port']].filter((each) => each !== undefined);
  if (ways.length !== 1) throw new Error(`Choose one of --own-authority, --dns-hook and --http-port; ${HINT}`);
  const domain = values.domain ?? config.baseDomain;
  // Without DNS nobody can prove to hold all names under the domain.
  const names = values['http-port'] === undefined ? [domain, `*.${domain}`] : [domain];
  if (!isDue(await readIfThere(certFile), names)) {
    process.stderr.write(`The certificate for ${names.join(' and ')} has time left.\n`);
    return;
  }
  const signal = endOnSignal(await createLog({ level: 'silent' }));
  const own = values['own-authority'];
  const pair = own === undefined ? await order({ ...values, names, keyFile }, signal) : await issue(own, names);
  await writePair(pair, { certFile, keyFile });
  process.stdout.write(`${certFile} has a new certificate for ${names.join(' and ')}.\n`);
}

interface OrderArguments {
  readonly directory?: string | undefined;
  readonly email?: string | undefined;
  readonly 'dns-hook'?: string | undefined;
  readonly 'http-port'?: string | undefined;
  readonly 'agree-terms': boolean;
  readonly names: readonly string[];
  readonly keyFile: string;
}

async function order(given: OrderArguments, signal: AbortSignal): Promise<CertificatePair> {
  const { names, keyFile, directory, email, 'dns-hook': hook, 'http-port': httpPort } = given;
  if (!given['agree-terms']) throw new Error('An authority has terms: read them, and add --agree-terms.');
  if (directory === undefined || !URL.canParse(directory))
    throw new Error("--directory must be the address of an authority's ACME directory.");
  // Loaded only here: nothing else needs them.
  const { createKey, orderCertificate } = await import('../certificates/order-certificate.ts');
  const { callDnsHook } = await import('../certificates/dns-challenges.ts');
  const { serveHttpChallenges } = await import('../certificates/http-challenges.ts');
  const accountFile = path.join(path.dirname(keyFile), 'acme-account.pem');
  const accountKey = (await readIfThere(accountFile)) ?? (await createKey());
  await writeSecretFile(accountFile, accountKey);
  const challenges = hook === undefined ? await serveHttpChallenges(Number(httpPort)) : callDnsHook(hook);
  try {
    return await orderCertificate({ directoryUrl: directory, email, accountKey, names, challenges }, signal);
  } finally {
    await challenges.close();
  }
}

async function issue(folder: string, names: readonly string[]): Promise<CertificatePair> {
  const { createAuthority, issueCertificate } = await import('../certificates/own-authority.ts');
  const [certFile, keyFile] = [path.join(folder, 'ca.pem'), path.join(folder, 'ca-key.pem')];
  const [cert, key] = [await readIfThere(certFile), await readIfThere(keyFile)];
  const known = cert !== undefined && key !== undefined ? { cert, key } : undefined;
  const authority = known ?? (await createAuthority(`Swiftor ${names[0] ?? ''}`));
  if (known === undefined) await writePair(authority, { certFile, keyFile });
  return issueCertificate(authority, names);
}
