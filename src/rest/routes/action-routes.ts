import type { ReplyRoute, RestData, RestRequest } from './route.ts';

const ACTION = {
  tag: 'VMs',
  changesState: true,
  variables: ({ params: { vmid } }: RestRequest) => ({ id: vmid }),
  status: 200,
  result: 'Message',
} as const;

const OPEN = {
  methods: ['POST'],
  tag: 'VMs',
  changesState: true,
  document: 'mutation ($vmId: ID!, $name: String) { openVm(vmId: $vmId, name: $name) { url linkUntil accessUntil } }',
  variables: ({ params: { vmid, name } }: RestRequest) => ({ vmId: vmid, name }),
  fields: { vmId: 'vmid' },
  status: 201,
  result: 'OpenLink',
  reply: ({ openVm }: RestData) =>
    openVm && {
      message: 'Open link created successfully',
      url: openVm.url,
      link_until: openVm.linkUntil,
      access_until: openVm.accessUntil,
    },
} as const;

/** What VMs do. */
export const ACTION_ROUTES: readonly ReplyRoute[] = [
  {
    path: '/vms/exec/:vmid',
    methods: ['POST'],
    id: 'runProgram',
    tag: 'VMs',
    summary: 'Run a program in a VM and wait for its end',
    description:
      'Without input, and without a shell in between: for one, run `["sh", "-c", "…"]`. BAD_USER_INPUT also if there ' +
      'is no such program; CONFLICT unless the VM is RUNNING or DEGRADED, and for an image without /bin/sh; ' +
      'TIMED_OUT, after which the program and what it started have been killed; RATE_LIMITED above 8 programs at a ' +
      "time in a VM or 32 in an account's.",
    changesState: true,
    body: 'RunProgram',
    result: 'ProgramEnd',
    document:
      'mutation ($vmId: ID!, $command: [String!]!, $timeoutSeconds: Int) ' +
      '{ vmExec(vmId: $vmId, command: $command, timeoutSeconds: $timeoutSeconds) ' +
      '{ exitCode stdout stderr stdoutTruncated stderrTruncated } }',
    variables: ({ params: { vmid }, body: { command, timeout_seconds: timeoutSeconds } }) => ({
      vmId: vmid,
      command,
      timeoutSeconds,
    }),
    fields: { vmId: 'vmid', timeoutSeconds: 'timeout_seconds' },
    status: 200,
    reply: ({ vmExec }) =>
      vmExec && {
        exit_code: vmExec.exitCode,
        stdout: vmExec.stdout,
        stderr: vmExec.stderr,
        stdout_truncated: vmExec.stdoutTruncated,
        stderr_truncated: vmExec.stderrTruncated,
      },
  },
  {
    ...ACTION,
    path: '/vms/start/:vmid',
    methods: ['GET', 'POST'],
    id: 'startVm',
    summary: 'Start a VM',
    description:
      '`enabled` turns true at once, while the VM boots in the background; its events, or `status` of GET ' +
      '/vms/{vmid}, say when it runs. If it is on, nothing happens, but a FAILED VM is tried again. ' +
      'QUOTA_EXCEEDED with every limit that it would pass; CONFLICT while it is being deleted.',
    document: 'mutation ($id: ID!) { startVm(id: $id) { id } }',
    reply: () => ({ message: 'VM start process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/stop/:vmid',
    methods: ['GET', 'POST'],
    id: 'stopVm',
    summary: 'Stop a VM; one without persistent storage loses its primary volume',
    description:
      'In any status. The app gets time to exit. If it is off, nothing happens. A VM without persistent storage ' +
      'loses its primary volume.',
    document: 'mutation ($id: ID!) { stopVm(id: $id) { id } }',
    reply: () => ({ message: 'VM stop process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/restart/:vmid',
    methods: ['POST'],
    id: 'restartVm',
    summary: 'Replace the container of a VM by one of the newest image; its volumes are kept',
    description:
      'If the new container does not come up, the old one comes back. A VM that is off is turned on. Errors as ' +
      'of a start.',
    document: 'mutation ($id: ID!) { restartVm(id: $id) { id } }',
    reply: () => ({ message: 'VM restart process initiated successfully in the background.' }),
  },
  {
    ...ACTION,
    path: '/vms/delete/:vmid',
    methods: ['GET', 'DELETE'],
    id: 'deleteVm',
    summary: 'Delete a VM with its volumes, secrets and mappings',
    description:
      'In any status. Volumes, secrets, subdomains and ports are gone for ever. If it is being deleted, nothing ' +
      'happens.',
    document: 'mutation ($id: ID!) { deleteVm(id: $id) }',
    reply: () => ({ message: 'VM deleted successfully' }),
  },
  {
    ...OPEN,
    path: '/vms/open/:vmid',
    id: 'openVm',
    summary: "Make a one-time link that opens a VM's own address in a browser",
    description:
      'Whoever opens the link first gets the access, whether the VM is on or off, and is signed in to the app ' +
      'if the catalog says how. NOT_FOUND if there is no such VM.',
  },
  {
    ...OPEN,
    path: '/vms/open/:vmid/:name',
    id: 'openSubdomain',
    summary: 'Make a one-time link that opens a subdomain of a VM in a browser',
    description: 'As /vms/open/{vmid}. NOT_FOUND if there is no such VM or name.',
  },
];
