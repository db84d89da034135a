import { describe, expect, it, vi } from 'vitest';
import { LineSplitter } from '../../../../src/engine/docker/streams/line-splitter.ts';
import { toPullFailure } from '../../../../src/engine/docker/images/pull-failure.ts';
import { withTag } from '../../../../src/engine/docker/images/pull-image.ts';
import { PullProgress, type PullLine, type PullReading } from '../../../../src/engine/docker/images/pull-progress.ts';
import { SharedPulls } from '../../../../src/engine/docker/images/shared-pulls.ts';

const line = (id: string, status: string, current?: number, total?: number): PullLine => {
  return { id, status, progressDetail: current === undefined || total === undefined ? {} : { current, total } };
};
const readAll = (lines: readonly PullLine[]) => {
  const progress = new PullProgress();
  return lines.map((one) => progress.add(one));
};

describe('the percentage of a pull', () => {
  it('is over all layers by their size, with the download as three quarters of the work', () => {
    const readings = readAll([
      line('a', 'Pulling fs layer'),
      line('b', 'Pulling fs layer'),
      line('a', 'Downloading', 0, 300),
      line('b', 'Downloading', 50, 100),
      line('a', 'Downloading', 300, 300),
      line('b', 'Download complete'),
      line('a', 'Extracting', 150, 300),
      line('a', 'Pull complete'),
    ]);
    expect(readings.at(3)).toEqual({ percent: 9, bytesDone: 50, bytesTotal: 400 });
    expect(readings.at(5)).toEqual({ percent: 75, bytesDone: 400, bytesTotal: 400 });
    expect(readings.at(6)?.percent).toBe(84);
    expect(readings.at(7)?.percent).toBe(93);
  });

  it('takes a layer that has not begun for an average one', () => {
    const readings = readAll([
      line('a', 'Pulling fs layer'),
      line('b', 'Waiting'),
      line('a', 'Downloading', 100, 100),
      line('a', 'Pull complete'),
    ]);
    expect(readings.at(-1)?.percent).toBe(50);
  });

  it('never falls, also when a big layer shows late or a download starts again', () => {
    const readings = readAll([
      line('a', 'Downloading', 90, 100),
      line('b', 'Downloading', 1, 10_000),
      line('a', 'Downloading', 5, 100),
      line('b', 'Download complete'),
    ]);
    const percents = readings.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(percents[0]).toBe(67);
    expect(percents.at(-1)).toBeGreaterThan(67);
  });

  it('is not 100 before the image is known to be there', () => {
    expect(readAll([line('a', 'Downloading', 10, 10), line('a', 'Pull complete')]).at(-1)?.percent).toBe(99);
  });

  it('leaves out layers that are there already, and lines that are about none', () => {
    const readings = readAll([
      { id: 'latest', status: 'Pulling from tiny' },
      line('a', 'Already exists'),
      line('b', 'Downloading', 50, 100),
      { status: 'Digest: sha256:0' },
    ]);
    expect(readings.at(-1)).toEqual({ percent: 37, bytesDone: 50, bytesTotal: 100 });
    expect(readings[1]).toEqual({ percent: 0, bytesDone: 0, bytesTotal: 0 });
  });

  it('copes with an engine that counts seconds while it unpacks', () => {
    const readings = readAll([
      line('a', 'Downloading', 100, 100),
      { id: 'a', status: 'Extracting', progressDetail: { current: 3 } },
    ]);
    expect(readings.at(-1)?.percent).toBe(75);
  });
});

const reading = (percent: number): PullReading => ({ percent, bytesDone: percent, bytesTotal: 100 });

describe('askers of the same image', () => {
  it('hear at most four reports a second, a late one at once what is known, and the end always', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      let report: ((reading: PullReading) => void) | undefined;
      const gate = Promise.withResolvers<void>();
      const pulls = new SharedPulls((_, __, onReading) => {
        report = onReading;
        return gate.promise;
      });
      const heard: (number | string)[] = [];
      const late: (number | string)[] = [];
      const never = new AbortController().signal;
      const first = pulls.pull('x', never, (step) => heard.push(step.phase === 'pulling' ? step.percent : step.phase));
      await Promise.resolve();
      for (let percent = 1; percent <= 50; percent += 1) {
        report?.(reading(percent));
        vi.advanceTimersByTime(20);
      }
      // One second has passed.
      expect(heard).toEqual([0, 18, 35]);
      const second = pulls.pull('x', never, (step) => late.push(step.phase === 'pulling' ? step.percent : step.phase));
      expect(late).toEqual([50]);
      report?.(reading(100));
      gate.resolve();
      await Promise.all([first, second]);
      expect(heard.at(-1)).toBe(100);
      expect(late).toEqual([50, 100]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('who come after all others left get a pull of their own', async () => {
    const signals: AbortSignal[] = [];
    const pulls = new SharedPulls((_, signal) => {
      signals.push(signal);
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        if (signals.length === 2) resolve();
      });
    });
    const abort = new AbortController();
    const left = pulls.pull('x', abort.signal, () => undefined).catch((error: unknown) => error);
    await Promise.resolve();
    const reason = new Error('left');
    abort.abort(reason);
    await pulls.pull('x', new AbortController().signal, () => undefined);
    expect(await left).toBe(reason);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});

describe('why a pull failed', () => {
  it.each([
    [
      'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host',
      'PULL_FAILED',
      /could not be reached/,
    ],
    [
      'Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
      'PULL_FAILED',
      /could not be reached/,
    ],
    [
      'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
      'PULL_FAILED',
      /could not be reached/,
    ],
    ['manifest for x:9 not found: manifest unknown: manifest unknown', 'IMAGE_NOT_FOUND', /"x:9"/],
    ["pull access denied for x, repository does not exist or may require 'docker login'", 'IMAGE_NOT_FOUND', /"x:9"/],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'IMAGE_NOT_FOUND', /arm64/],
    ['failed to register layer: write /usr/x: no space left on device', 'NO_SPACE', /full/],
    ['toomanyrequests: rate limit exceeded', 'PULL_FAILED', /toomanyrequests/],
  ])('"%s" is %s', (said, code, message) => {
    expect(toPullFailure('x:9', said)).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

it('a reference without tag or digest stands for its latest', () => {
  expect(['a', 'a:1', 'host:5000/a', 'host:5000/a:1', 'a@sha256:0'].map(withTag)).toEqual([
    'a:latest',
    'a:1',
    'host:5000/a:latest',
    'host:5000/a:1',
    'a@sha256:0',
  ]);
});

describe('a stream cut into lines', () => {
  it('gives the same lines however it is cut, also within a character', () => {
    const bytes = Buffer.from('{"a":"žluť"}\r\n\n{"b":"🐎"}\nrest');
    for (let size = 1; size <= bytes.length; size += 1) {
      const splitter = new LineSplitter();
      const lines: string[] = [];
      for (let start = 0; start < bytes.length; start += size)
        lines.push(...splitter.push(bytes.subarray(start, start + size)));
      expect(lines).toEqual(['{"a":"žluť"}', '{"b":"🐎"}']);
      expect(splitter.rest()).toBe('rest');
    }
  });

  it('refuses a line without an end', () => {
    const splitter = new LineSplitter(10);
    expect(() => splitter.push(Buffer.from('x'.repeat(11)))).toThrow(RangeError);
  });
});
