import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { isStorable, STORABLE_RULE } from '../../db/is-storable.ts';
import { badInput, type FieldProblem } from '../../errors.ts';
import { PASSWORD_KEY } from '../../secrets/secret-store.ts';
import { MAPPING_NAME, VISIBILITIES } from '../networking/mapping.ts';
import { PORT_PROTOCOLS } from '../networking/port-forward.ts';
import { whyReserved } from './reserved-keys.ts';

/** C0 and C1 control characters and bidirectional marks: nobody types them in a label or a password. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

const line = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters.`)
    .refine((text) => text.trim() !== '', 'must not be empty.')
    .refine((text) => !CONTROL.test(text) && isStorable(text), 'must not contain control characters.');

const whole = (min: number, max: number, unit: string) =>
  z
    .number()
    .refine(
      (value) => Number.isInteger(value) && value >= min && value <= max,
      `must be a whole number${unit} from ${min} to ${max}.`,
    );

export const vmlabelSchema = line(100);
const passwordSchema = line(128);
export const cpuSchema = whole(1, 128, ' of vCPU cores');
export const ramSchema = whole(1, 1024, ' of GB');

const createVmSchema = z.object({
  vmlabel: vmlabelSchema,
  region: z.string(),
  password: passwordSchema,
  storageType: z.enum(['PERSISTENT', 'EPHEMERAL']),
  distribution: z.string(),
  desktop: z.string().nullish(),
  cpu: cpuSchema,
  ram: ramSchema,
  idempotencyKey: line(255).nullish(),
});

export type CreateVmInput = z.output<typeof createVmSchema>;

/** Validates the input; BAD_USER_INPUT names every invalid field. */
export function parseCreateVm(value: unknown, catalog: Catalog): CreateVmInput & { desktop: string | null } {
  const input = parse(createVmSchema, value, (parsed) => catalogProblems(parsed, catalog));
  return { ...input, desktop: input.desktop === '' ? null : (input.desktop ?? null) };
}

function catalogProblems({ region, distribution, desktop }: Partial<CreateVmInput>, catalog: Catalog): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (region !== undefined && !catalog.regions.has(region)) {
    problems.push({
      path: 'region',
      message: `must be a region; there are ${[...catalog.regions.keys()].join(', ')}.`,
    });
  }
  if (distribution === undefined) return problems;
  const entry = catalog.distributions.get(distribution);
  if (entry === undefined) {
    const known = [...catalog.distributions.keys()].join(', ');
    problems.push({ path: 'distribution', message: `must be a distribution; there are ${known}.` });
  } else if (entry.kind === 'WEBTOP' && (desktop == null || !entry.desktops.includes(desktop))) {
    problems.push({
      path: 'desktop',
      message: `${entry.name} needs one of its desktops: ${entry.desktops.join(', ')}.`,
    });
  } else if (entry.kind === 'PREMADE' && desktop != null && desktop !== '') {
    problems.push({ path: 'desktop', message: `${entry.name} comes with its own interface; leave the desktop out.` });
  }
  return problems;
}

const updateVmSchema = z.object({
  vmlabel: vmlabelSchema.nullish(),
  cpu: cpuSchema.nullish(),
  ram: ramSchema.nullish(),
});

export function parseUpdateVm(value: unknown): z.output<typeof updateVmSchema> {
  return parse(updateVmSchema, value);
}

const MAX_SECRET_BYTES = 32 * 1024;

const secretSchema = z.object({
  key: z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
      'must be the name of an environment variable: letters, digits and _, at most 128.',
    )
    .refine((key) => whyReserved(key) === undefined, { error: ({ input }) => whyReserved(String(input)) ?? '' }),
  value: z
    .string()
    .refine(isStorable, STORABLE_RULE)
    .refine((value) => Buffer.byteLength(value) <= MAX_SECRET_BYTES, `must have at most ${MAX_SECRET_BYTES} bytes.`),
});

export function parseSecret(value: unknown): z.output<typeof secretSchema> {
  return parse(secretSchema, value, ({ key, value: text }) => (key === PASSWORD_KEY ? passwordProblems(text) : []));
}

/** Of one change: as many as a VM can have. */
const MAX_CHANGES = 200;

const secretsSchema = z.object({
  set: z.array(secretSchema).max(MAX_CHANGES, `must have at most ${MAX_CHANGES} entries.`),
  remove: z.array(z.string()).max(MAX_CHANGES, `must have at most ${MAX_CHANGES} entries.`),
});

export function parseSecrets(value: unknown): z.output<typeof secretsSchema> {
  return parse(secretsSchema, value, ({ set = [], remove = [] }) => {
    const keys = [...set.map(({ key }) => key), ...remove];
    const twice = set.flatMap(({ key }, index) =>
      keys.filter((each) => each === key).length > 1
        ? [{ path: `set.${index}.key`, message: 'must be in the change only once.' }]
        : [],
    );
    const passwords = set.flatMap(({ key, value: text }, index) =>
      key === PASSWORD_KEY ? passwordProblems(text).map((each) => ({ ...each, path: `set.${index}.value` })) : [],
    );
    return [...twice, ...passwords];
  });
}

/** VM_PASSWORD must be a valid password however it is set. */
function passwordProblems(text: string | undefined): FieldProblem[] {
  const result = passwordSchema.safeParse(text);
  return result.success ? [] : result.error.issues.map(({ message }) => ({ path: 'value', message }));
}

const subdomainSchema = z.object({
  name: z
    .string()
    .regex(
      MAPPING_NAME,
      'must be 1 to 26 lower-case letters, digits and inner dashes, and must not begin with "xn--".',
    ),
  internalPort: whole(1, 65535, ''),
  visibility: z.enum(VISIBILITIES),
});

export function parseSubdomain(value: unknown): z.output<typeof subdomainSchema> {
  return parse(subdomainSchema, value);
}

const portSchema = z.object({ protocol: z.enum(PORT_PROTOCOLS), internalPort: whole(1, 65535, '') });

export function parsePort(value: unknown): z.output<typeof portSchema> {
  return parse(portSchema, value);
}

function parse<T extends z.ZodType>(
  schema: T,
  value: unknown,
  further: (value: Partial<z.output<T>>) => readonly FieldProblem[] = () => [],
): z.output<T> {
  const result = schema.safeParse(value);
  const own = result.success ? [] : result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const bad = new Set(own.map(({ path }) => path));
  // Invalid fields may be of any type, so `further` does not see them.
  const sound = Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !bad.has(name))) as Partial<
    z.output<T>
  >;
  const problems = [...own, ...further(sound).filter(({ path }) => !bad.has(path))];
  if (!result.success || problems.length > 0) throw badInput(problems);
  return result.data;
}
