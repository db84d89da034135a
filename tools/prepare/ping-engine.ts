import { withDeadline } from '../../src/lib/concurrency/with-deadline.ts';
import { connect } from '../../src/engine/docker/connection/connect.ts';

const LIMIT_MILLISECONDS = 3_000;

/**
 * Undefined when an engine answers at the endpoint; else why not, in short: an error code such as EACCES where there is
 * one.
 */
export async function pingEngine(endpoint: string): Promise<string | undefined> {
  try {
    const { docker, close } = connect(endpoint);
    try {
      await withDeadline(LIMIT_MILLISECONDS, new AbortController().signal, () => docker.ping());
      return undefined;
    } finally {
      close();
    }
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  }
}
