import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { NewFile, OpenFile } from '../../../src/engine/files.ts';
import { execIn } from '../../support/engine/exec-in.ts';
import { describeEachEngine, docker, IDLE, machineSpec } from '../../support/engine/engines.ts';
import { contractTools, volume, within } from '../../support/engine/engine-contract.ts';
import { eventually } from '../../support/eventually.ts';

const of = (content: string): NewFile => ({ bytes: Buffer.byteLength(content), content: Readable.from([content]) });

describeEachEngine("files in a machine's volumes", (engine) => {
  const { ensure } = contractTools(engine);
  const { files } = engine.driver;
  const running = async (sizeBytes?: number) => {
    const volumes = [volume({ ...(sizeBytes !== undefined && { sizeBytes }) })];
    const spec = machineSpec({ command: IDLE, volumes });
    const { ref } = await ensure(spec);
    const sh = async (script: string) => (await execIn(ref, ['/bin/sh', '-c', script])).output;
    const at = [spec.id, ref] as const;
    return { id: spec.id, ref, at, sh };
  };
  const readText = async (opened: OpenFile | string | undefined) => {
    if (typeof opened !== 'object') throw new Error(`It is not open: ${opened}.`);
    const content = await text(opened.content);
    await opened.close();
    return content;
  };
  const helpers = () =>
    docker.listContainers({
      all: true,
      filters: { label: ['io.swiftor.files-of', `io.swiftor.installation=${engine.installationId}`] },
    });

  it('are written whole under their owner, listed and read; a directory is read as an archive', async () => {
    const { at, sh } = await running();
    await sh('mkdir /config/docs; busybox chown 1000:1000 /config/docs');
    expect(await files.write(...at, '/config/docs/ü b.txt', of('one'), within())).toBeUndefined();
    expect(await files.write(...at, '/config/docs/ü b.txt', of('second'), within())).toBeUndefined();
    expect(await sh('busybox stat -c "%u %g %a %s" /config/docs/*')).toBe('1000 1000 644 6\n');
    expect(await files.list(...at, '/config/docs', within())).toEqual({
      entries: [{ name: 'ü b.txt', kind: 'file', bytes: 6, modifiedAt: expect.any(Date) }],
      isWhole: true,
    });
    const opened = await files.read(...at, '/config/docs/ü b.txt', within());
    expect(opened).toMatchObject({ kind: 'file', bytes: 6 });
    expect(await readText(opened)).toBe('second');
    expect(await readText(await files.read(...at, '/config/docs', within()))).toContain('second');
    expect(await helpers()).toEqual([]);
  });

  it('are nowhere else: neither above the volumes nor behind a symbolic link', async () => {
    const { at, sh } = await running();
    await sh('busybox ln -s /etc /config/out; busybox ln -s /etc/passwd /config/passwd; busybox ln -s . /config/self');
    for (const path of [
      '/etc/passwd',
      '/config/../etc/passwd',
      '/config/./x',
      '/',
      '/configx',
      'config',
      '/config/a\0b',
    ]) {
      expect([path, await files.read(...at, path, within())]).toEqual([path, 'not-found']);
      expect([path, await files.list(...at, path, within())]).toEqual([path, 'not-found']);
      expect([path, await files.write(...at, path, of('x'), within())]).toEqual([path, 'not-found']);
    }
    expect(await files.read(...at, '/config/passwd', within())).toBe('link');
    for (const way of ['out', 'self']) {
      expect(await files.read(...at, `/config/${way}/hosts`, within())).toBe('link');
      expect(await files.list(...at, `/config/${way}`, within())).toBe('link');
      expect(await files.write(...at, `/config/${way}/new`, of('x'), within())).toBe('link');
    }
    // A link of that name is replaced, not followed.
    expect(await files.write(...at, '/config/passwd', of('mine'), within())).toBeUndefined();
    expect(await sh('cat /config/passwd; cat /etc/passwd')).toMatch(/^mine.*root:/s);
    expect(await files.write(...at, '/config/none/new', of('x'), within())).toBe('not-found');
    expect(await files.list(...at, '/config/none', within())).toBe('not-found');
  });

  it('get the directories of their path if that is asked for, and none outside of the volume', async () => {
    const { at, sh } = await running();
    await sh('busybox chown 1000:1000 /config; busybox ln -s /etc /config/out; echo > /config/plain');
    const write = (path: string) => files.write(...at, path, { ...of('deep'), makesParents: true }, within());
    expect(await write('/config/a/b c/-d.txt')).toBeUndefined();
    expect(await write('/config/a/b c/e.txt')).toBeUndefined();
    expect(await sh('busybox stat -c "%u %g %a %n" /config/a /config/a/b\\ c /config/a/b\\ c/*')).toBe(
      '1000 1000 755 /config/a\n1000 1000 755 /config/a/b c\n' +
        '1000 1000 644 /config/a/b c/-d.txt\n1000 1000 644 /config/a/b c/e.txt\n',
    );
    expect(await write('/config/out/new/x')).toBe('link');
    expect(await write('/config/plain/x')).toBe('not-found');
    expect(await write('/config/a/../../etc/x')).toBe('not-found');
    expect(await write('/config/a')).toBe('no-file');
    expect(await sh('busybox ls -A /config; busybox ls /etc')).not.toMatch(/swiftor-upload|new/);
    expect(await helpers()).toEqual([]);
  });

  it('leave nothing behind that came in part, and the old one as it was', async () => {
    const { at, sh } = await running();
    await files.write(...at, '/config/kept', of('old'), within());
    const cut = new AbortController();
    const content = new Readable({ read() {} });
    content.push('half');
    const writing = files.write(...at, '/config/kept', { bytes: 1_000, content }, cut.signal);
    writing.catch(() => undefined);
    await eventually(async () => (await sh('ls -a /config || busybox ls -a /config')).includes('.swiftor-upload'));
    cut.abort(new Error('gone'));
    content.destroy();
    await expect(writing).rejects.toThrow('gone');
    expect(await sh('busybox ls -A /config; cat /config/kept')).toBe('from-image\nkept\nold');
    expect(await helpers()).toEqual([]);
  });

  it('do not keep a stop waiting, and say when the volume is full', async () => {
    const { at, id, ref, sh } = await running(20 * 2 ** 20);
    const big = { bytes: 40 * 2 ** 20, content: Readable.from(zeros(40)) };
    expect(await files.write(...at, '/config/big', big, within(60))).toBe('no-space');
    expect(await sh('busybox ls -A /config')).not.toContain('big');
    const content = new Readable({ read() {} });
    content.push('half');
    const cut = new AbortController();
    const writing = files.write(...at, '/config/slow', { bytes: 1_000, content }, cut.signal);
    writing.catch(() => undefined);
    await eventually(async () => (await helpers()).length > 0);
    const startedAt = performance.now();
    await engine.driver.stop(id, within());
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    cut.abort(new Error('stopped'));
    await expect(writing).rejects.toThrow('stopped');
    expect(await files.list(id, ref, '/config', within())).toBe('not-running');
  });
});

function* zeros(megabytes: number): Generator<Buffer> {
  const block = Buffer.alloc(2 ** 20);
  for (let each = 0; each < megabytes; each += 1) yield block;
}
