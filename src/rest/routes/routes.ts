import { ACTION_ROUTES } from './action-routes.ts';
import { LIVE_ROUTES } from './live-routes.ts';
import { PORT_ROUTES } from './port-routes.ts';
import type { Route } from './route.ts';
import { SETTING_ROUTES } from './setting-routes.ts';
import { VM_ROUTES } from './vm-routes.ts';

/** All routes. Literal paths come before `/vms/:vmid`, which would match them, too. */
export const ROUTES: readonly Route[] = [
  ...SETTING_ROUTES,
  ...PORT_ROUTES,
  ...LIVE_ROUTES,
  ...ACTION_ROUTES,
  ...VM_ROUTES,
];
