import { time } from './format.ts';

/** The account's own screen. */
export const accountWords = {
  title: 'Account',
  plan: 'Plan',
  plans: 'The plans',
  yours: 'your plan',
  used: 'In use',
  columns: { name: 'Plan', cpu: 'vCPU', ram: 'RAM', storage: 'Files', on: 'On at a time', vms: 'VMs in total' },
  regions: 'Regions',
  available: 'VMs can start here.',
  unavailable: 'VMs cannot start here now.',
  session: 'Session',
  signedIn: (user: string, until: number | undefined) =>
    `Signed in as ${user}${until === undefined ? '' : `, until ${time(until)}`}.`,
  renewed: 'It is renewed automatically while this window is open.',
  signOut: 'Sign out',
  look: 'Appearance',
  looks: { system: 'System', light: 'Light', dark: 'Dark' },
  keyboard: 'Keyboard',
  singleKeys: 'Single-key shortcuts',
  keys: [
    ['Ctrl K', 'Search and commands'],
    ['/', 'Search names'],
    ['n', 'New VM'],
    ['j k', 'Next and previous row'],
    ['o', 'Open the VM of the row'],
    ['?', 'This list'],
  ],
  api: 'Use the API',
  apiHint: 'The API can do everything that this page does. TOKEN is your token.',
  curl: (origin: string) =>
    `curl ${origin}/graphql -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d ` +
    `'{"query":"{ vms { nodes { id vmlabel status } } }"}'`,
  graphiql: 'Open GraphiQL',
  openapi: 'The REST API',
  version: (version: string) => `Gateway version ${version}`,
};
