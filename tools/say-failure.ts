import { PrepareFailure, sayFailure } from '../scripts/prepare/report.js';
import { EngineError } from '../src/engine/engine-error.ts';

/** As `sayFailure`; an engine's failure is an expected one too. */
export function sayToolFailure(error: unknown): void {
  sayFailure(error instanceof EngineError ? new PrepareFailure(error.message) : error);
}
