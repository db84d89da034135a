import { docker } from '../../test/support/engine/engines.ts';
import { DESKTOP } from '../support/desktop.ts';
import type { Figure } from '../support/figure.ts';
import type { Bench } from '../support/with-database.ts';
import { APP_PORT, DISTRIBUTION, tokenOf, withGateway } from '../support/with-gateway.ts';
import { measureBoot } from './measure-boot.ts';
import { accepts, answersPage } from './raw-machine.ts';

/** Measures what a person waits for: a tiny app, whose boot is the engine's and ours alone, and a desktop's page. */
export async function measureBoots(bench: Bench): Promise<Figure[]> {
  const hasDesktop = await hasImage(DESKTOP.image);
  if (!hasDesktop)
    bench.print(`Skipping the desktop: the engine does not have ${DESKTOP.image}; run "npm run images".`);
  return withGateway(bench, async ({ gateway, engine, rawInstallation }) => {
    const common = { gateway, engine, rawInstallation, port: APP_PORT, token: await tokenOf('boots'), ...bench };
    const tiny = { title: 'boot', distribution: DISTRIBUTION, isUp: accepts, pairs: 15, atMost: 1.3, tail: 100 };
    const desktop = { title: 'desktop', ...DESKTOP.vm, isUp: answersPage, pairs: 7, atMost: 1.05 };
    return [
      ...(await measureBoot({ ...common, ...tiny })),
      ...(hasDesktop ? await measureBoot({ ...common, ...desktop }) : []),
    ];
  });
}

async function hasImage(reference: string): Promise<boolean> {
  return (await docker.listImages()).some(({ RepoTags }) => RepoTags?.includes(reference));
}
