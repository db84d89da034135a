import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { LiveCatalog } from '../../../src/catalog/live-catalog.ts';
import { eventually } from '../../support/eventually.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'swiftor-catalog-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const planOf = (cpu: number) =>
  JSON.stringify({ plans: [{ code: 'own', name: 'Own', cpu, ram: 1, storageGb: 1, concurrentVms: 1 }] });

async function open(name: string) {
  const plansFile = path.join(folder, name);
  await writeFile(plansFile, planOf(1));
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const catalog = await LiveCatalog.open({ plansFile, defaultPlan: 'core', regions: ['AU'], log, everyMs: 50 });
  onTestFinished(() => catalog.close());
  return { plansFile, catalog, lines, cpu: () => catalog.plans.get('own')?.cpu };
}

it('a plan that is changed in its file holds without a restart', async () => {
  const { plansFile, cpu } = await open('written.json');
  expect(cpu()).toBe(1);
  await writeFile(plansFile, planOf(2));
  await eventually(() => cpu() === 2, { deadline: 10_000 });
  await writeFile(`${plansFile}.new`, planOf(30));
  await rename(`${plansFile}.new`, plansFile);
  await eventually(() => cpu() === 30, { deadline: 10_000 });
});

it('a file that is wrong changes nothing, is said once, and its correction holds', async () => {
  const { plansFile, cpu, lines } = await open('wrong.json');
  await writeFile(plansFile, '{ "plans": [ { "code": "own", "cpu": "many" } ] }');
  const wrong = () => lines.filter((line) => line.includes('keeping the previous ones'));
  await eventually(() => wrong().length === 1, { deadline: 10_000 });
  expect(wrong()[0]).toContain('PLANS_FILE');
  expect(cpu()).toBe(1);
  await writeFile(plansFile, planOf(4));
  await eventually(() => cpu() === 4, { deadline: 10_000 });
  expect(wrong()).toHaveLength(1);
});

it('files are reloaded when that is asked for', async () => {
  const { catalog, lines } = await open('asked.json');
  await catalog.reload();
  expect(lines.filter((line) => line.includes('were reloaded'))).toHaveLength(1);
});
