import { expect, it } from 'vitest';
import { openEventFixture, range, readUntil } from '../../support/database/event-fixture.ts';

it('a reader misses no change that commits while it subscribes, in ten thousand races', async () => {
  await using fixture = await openEventFixture();
  const race = async (userId: string): Promise<void> => {
    const vm = await fixture.newVm(userId);
    for (let round = 0; round < 1_000; round += 1) {
      const change = fixture.rename(vm, `label ${round}`);
      const source = await fixture.streams.subscribe({ userId });
      const { lastEventSeq } = await change;
      const seqs = (await readUntil(source, lastEventSeq)).map(({ seq }) => seq);
      expect(seqs).toEqual(range(seqs[0] ?? 0, lastEventSeq));
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, index) => race(`race-${index}`)));
}, 300_000);
