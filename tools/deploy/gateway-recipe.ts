import { NODE, type Recipe } from '../../images/recipes.ts';
import { VERSION } from '../../src/lib/version.ts';
import { STAGED } from './stage-gateway.ts';

/** The image of the gateway itself. */
export const GATEWAY_RECIPE: Recipe = {
  name: 'gateway',
  imageRef: `swiftor/gateway:${VERSION}`,
  what: 'the gateway',
  files: [
    ['deploy/image', ''],
    [STAGED, 'gateway'],
  ],
  npm: { node: NODE[process.arch] },
  args: {},
  seconds: [2],
  megabytes: 330,
};
