import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { LogOptions } from '../../driver.ts';
import type { EngineEvent } from '../../engine-reports.ts';
import type { MachineLogLine, MachineStats } from '../../machine.ts';
import { EngineError } from '../../engine-error.ts';
import { asReadable } from '../streams/as-readable.ts';
import type { Containers } from '../containers/containers.ts';
import type { EngineCall } from '../connection/engine-call.ts';
import { statusOf, toEngineError } from '../connection/engine-failure.ts';
import { iterateStream, type Sink, type StreamSource } from '../streams/iterate-stream.ts';
import { LineSplitter } from '../streams/line-splitter.ts';
import { LogLines } from './log-lines.ts';
import { paceStream } from '../streams/pace-stream.ts';
import { isAfterEnd, toMachineStats, type RawStats } from './machine-stats.ts';
import { observeInspected } from '../containers/observe-container.ts';
import { EVENT_FILTERS, observeDisconnect, observeEvent, observeOom, type RawEvent } from './observe-event.ts';
import type { RecentOoms } from './recent-ooms.ts';

export interface StreamTools {
  readonly docker: Docker;
  readonly call: EngineCall;
  readonly containers: Containers;
  readonly endpoint: string;
  readonly installationId: string;
  /** Records the containers that ran out of memory. */
  readonly ooms: RecentOoms;
}

/** See `EngineDriver.events`. */
export function eventsOf(tools: StreamTools, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const { docker, call, containers, installationId, ooms } = tools;
  const splitter = new LineSplitter();
  // The engine repeats past events, so none is missed before the stream is open.
  const since = Date.now() / 1000;
  const ask = async (abortSignal: AbortSignal) =>
    asReadable(await docker.getEvents({ filters: EVENT_FILTERS, since, abortSignal }));
  const open = (streamSignal: AbortSignal) => call('send its events', streamSignal, ask);
  const read: StreamSource<EngineEvent>['read'] = (chunk, sink, streamSignal) => {
    for (const line of splitter.push(chunk)) {
      const raw: RawEvent = JSON.parse(line);
      const oom = observeOom(raw, installationId);
      // Before the event is delivered, because its receivers inspect the container.
      if (oom) ooms.note(oom.ref, oom.at);
      const event = observeEvent(raw, installationId);
      if (event?.action === 'removed') containers.forget(event.ref);
      else if (event) containers.note(event.id, event.ref);
      if (event) sink.push(event);
      const ref = observeDisconnect(raw);
      if (ref !== undefined) void pushDisconnected(tools, ref, sink, streamSignal);
    }
  };
  const atEnd = () => {
    throw new EngineError('ENGINE_UNREACHABLE', `The engine at ${tools.endpoint} ended its stream of events.`);
  };
  return iterateStream(
    { open, read, atEnd, toError: (error) => toStreamError(tools, 'send its events', error) },
    signal,
  );
}

/** See `EngineDriver.logs`. Ends at once when the machine has no container. */
export function logsOf(
  tools: StreamTools,
  id: string,
  { tail, follow, since: after, skip = 0, admit }: LogOptions,
  signal: AbortSignal,
): AsyncIterable<MachineLogLine> {
  const lines = new LogLines(admit);
  let skipped = 0;
  const keepNew = (some: readonly MachineLogLine[]) =>
    some.filter(({ at }) => {
      if (after === undefined || at > after) return true;
      // The engine's times are finer, so lines from before `after` do not occur.
      skipped += 1;
      return skipped > skip;
    });
  let container: Docker.Container | undefined;
  const openPart = async (part: { follow: boolean; tail?: number; since?: string }, streamSignal: AbortSignal) => {
    const asked = container;
    if (!asked) return Readable.from([]);
    const ask = async (abortSignal: AbortSignal): Promise<Readable> => {
      const options = { stdout: true, stderr: true, timestamps: true, abortSignal };
      if (part.follow)
        return paceStream(asReadable(await asked.logs({ ...options, ...part, follow: true })), streamSignal);
      return Readable.from([await asked.logs({ ...options, ...part, follow: false })]);
    };
    return orEmpty(tools.call('send a log', streamSignal, ask));
  };
  const open = async (streamSignal: AbortSignal) => {
    container = await findContainer(tools, id, streamSignal);
    return openPart(
      { follow, tail, ...(after !== undefined && { since: toUnixTime(after.toISOString()) }) },
      streamSignal,
    );
  };
  // A followed log often ends without the last lines of a container, so they are requested once more.
  const reopen = (streamSignal: AbortSignal) => {
    const since = lines.expectRepetition();
    return openPart(
      { follow: false, ...(since === undefined ? { tail } : { since: toUnixTime(since) }) },
      streamSignal,
    );
  };
  const read: StreamSource<MachineLogLine>['read'] = (chunk, sink) =>
    keepNew(lines.push(chunk)).forEach((line) => sink.push(line));
  const atEnd: StreamSource<MachineLogLine>['atEnd'] = (sink) =>
    keepNew(lines.end()).forEach((line) => sink.push(line));
  const toError = (error: unknown) => toStreamError(tools, 'send a log', error);
  return iterateStream({ open, ...(follow && { reopen }), read, atEnd, toError }, signal);
}

/** See `EngineDriver.stats`. Ends at once when the machine does not run. */
export function statsOf(tools: StreamTools, id: string, signal: AbortSignal): AsyncIterable<MachineStats> {
  const splitter = new LineSplitter();
  const open = async (streamSignal: AbortSignal): Promise<Readable> => {
    const container = await findContainer(tools, id, streamSignal);
    if (!container) return Readable.from([]);
    const ask = async (abortSignal: AbortSignal) => {
      const options = { stream: true as const, abortSignal };
      return asReadable(await container.stats(options));
    };
    return orEmpty(tools.call('send statistics', streamSignal, ask));
  };
  const read: StreamSource<MachineStats>['read'] = (chunk, sink) => {
    for (const line of splitter.push(chunk)) {
      const raw: RawStats = JSON.parse(line);
      if (isAfterEnd(raw)) return sink.end();
      const stats = toMachineStats(raw);
      if (stats) sink.push(stats);
    }
  };
  return iterateStream({ open, read, toError: (error) => toStreamError(tools, 'send statistics', error) }, signal);
}

/** Converts '2026-01-02T03:04:05.000000006Z' to '1767323045.000000006', which needs more digits than a number has. */
function toUnixTime(timestamp: string): string {
  const [, fraction = '0'] = /\.(\d+)/.exec(timestamp) ?? [];
  return `${Math.floor(Date.parse(timestamp) / 1000)}.${fraction}`;
}

/** The container that counts for the machine. */
async function findContainer(
  { docker, containers }: StreamTools,
  id: string,
  signal: AbortSignal,
): Promise<Docker.Container | undefined> {
  const [first] = await containers.list(signal, id);
  return first && docker.getContainer(first.Id);
}

/** Returns an empty stream for a container that was removed since the list, or is being removed (409). */
async function orEmpty(opening: Promise<Readable>): Promise<Readable> {
  try {
    return await opening;
  } catch (error) {
    if ([404, 409].includes(statusOf(error) ?? 0)) return Readable.from([]);
    throw error;
  }
}

/** A stop also disconnects a container from its network, so only running containers are reported. */
async function pushDisconnected(
  tools: StreamTools,
  ref: string,
  sink: Sink<EngineEvent>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const details = await tools.containers.inspect(ref, signal);
    const seen = details && observeInspected(details, tools.installationId);
    if (seen?.state === 'running') sink.push({ id: seen.id, ref, action: 'disconnected' });
  } catch {
    // If the engine does not answer, the stream ends too, and the next full list finds the container.
  }
}

function toStreamError({ endpoint }: StreamTools, what: string, error: unknown): EngineError {
  return toEngineError(error, { endpoint, what, refusal: 'ENGINE_REFUSED' });
}
