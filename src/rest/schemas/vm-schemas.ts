import { VM_STATUSES } from '../../vm/vm-status.ts';
import {
  arrayOf,
  boolean,
  dateTime,
  described,
  from,
  integer,
  object,
  oneOf,
  orNull,
  ref,
  string,
  uuid,
} from './json-schema.ts';

const item = {
  id: uuid,
  vmlabel: string,
  region: described(string, 'The code of a region, such as AU.'),
  os: ref('VmOs'),
  specs: ref('VmSpecs'),
  enabled: described(boolean, 'The desired state. For the actual one, see `status` of GET /vms/{vmid}.'),
};
const details = {
  ...item,
  status: ref('VmStatus'),
  url: described(string, "The app's address. It is private: browsers need a link of POST /vms/open/{vmid}."),
};
const label = { ...string, minLength: 1, maxLength: 100 };
const message = { message: string };

/** VMs, and what is sent to create and change them. */
export const VM_SCHEMAS = {
  Message: object(message),
  Vm: object(item),
  VmDetails: object(details),
  OwnedVm: object({ ...item, user_id: described(string, 'The account that owns it.') }),
  VmOs: object({
    distribution: described(string, 'The code of a catalog entry.'),
    desktop: described(orNull(string), 'Null for a single app.'),
  }),
  VmSpecs: object({
    cpu: described(integer, 'vCPU cores.'),
    ram: described(integer, 'GB of memory.'),
    storage: described(boolean, 'Whether its primary volume is kept when it stops.'),
  }),
  VmStatus: oneOf(
    VM_STATUSES,
    'The observed state. RUNNING means that the app answers; FAILED can be started again; UNKNOWN means that the ' +
      "region's engine cannot be reached.",
  ),
  VmList: object({ vms: arrayOf(ref('Vm')) }),
  VmChange: object({ ...message, vm: ref('OwnedVm') }),
  OpenLink: object({
    ...message,
    url: described(string, 'The link. Whoever opens it first gets the access.'),
    link_until: described(dateTime, 'When the link stops working.'),
    access_until: described(dateTime, 'When the access ends that it gives.'),
  }),
  RunProgram: object(
    {
      command: {
        ...arrayOf(string),
        minItems: 1,
        maxItems: 256,
        description: 'The program and its arguments, at most 64 KiB.',
      },
      timeout_seconds: from(1, 50, 'How long it may run; 10 by default.'),
    },
    ['timeout_seconds'],
  ),
  ProgramEnd: object({
    exit_code: described(integer, 'Its exit code; 128 and the number of a signal that ended it.'),
    stdout: described(string, 'At most 256 KiB.'),
    stderr: described(string, 'At most 256 KiB.'),
    stdout_truncated: described(boolean, 'Whether it wrote more to stdout.'),
    stderr_truncated: described(boolean, 'Whether it wrote more to stderr.'),
  }),
  CreateVm: object({
    config: object(
      {
        vmlabel: label,
        region: object({ code: described(string, 'The code of a region, such as AU.') }),
        password: {
          ...string,
          minLength: 1,
          maxLength: 128,
          description: 'Of the default user. It becomes the secret VM_PASSWORD.',
        },
        storageType: described(
          string,
          '"persistent" keeps the primary volume when the VM stops; for any other value, or without one, it is lost.',
        ),
      },
      ['storageType'],
    ),
    os: object(
      {
        distribution: object({ code: described(string, 'The code of a catalog entry, such as ubuntu.') }),
        desktop: described(orNull(string), 'Required for an operating system with a choice of desktops, such as xfce.'),
        cpu: from(1, 128, 'vCPU cores. Checked against the plan when the VM starts.'),
        ram: from(1, 1024, 'GB of memory. Checked against the plan when the VM starts.'),
      },
      ['desktop'],
    ),
  }),
  UpdateVm: object(
    {
      config: object({ vmlabel: label }, ['vmlabel']),
      os: object(
        {
          cpu: from(1, 128, 'vCPU cores. Only while the VM is off.'),
          ram: from(1, 1024, 'GB of memory. Only while the VM is off.'),
        },
        ['cpu', 'ram'],
      ),
    },
    ['config', 'os'],
  ),
};
