import { PrepareFailure } from '../../scripts/prepare/report.js';

/** Aborts when this process is asked to end, so that what it began is undone first. */
export function untilStopped(): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(name, () => abort.abort(new PrepareFailure(`stopped by ${name}`)));
  return abort.signal;
}
