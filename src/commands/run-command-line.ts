import { VERSION } from '../lib/version.ts';
import { USAGE } from './usage.ts';

type Command = (args: readonly string[]) => Promise<void>;

/** The module of each command is loaded only for it: most need little of the gateway. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  migrate: async () => (await import('./migrate.ts')).migrate,
  schema: async () => (await import('./schema.ts')).schema,
  'rotate-secrets': async () => (await import('./rotate-secrets.ts')).rotateSecrets,
  orphans: async () => (await import('./orphans.ts')).orphans,
  certificate: async () => (await import('./certificate.ts')).certificate,
  node: async () => (await import('./node.ts')).node,
  agent: async () => (await import('./agent.ts')).agent,
  token: async () => (await import('./token.ts')).token,
};

/** Runs a command. What it was asked for goes to standard output, everything else to standard error. */
export async function runCommandLine([name = '', ...args]: readonly string[]): Promise<void> {
  if ([name, ...args].some((each) => each === '--help' || each === '-h') || name === 'help')
    return void process.stdout.write(USAGE);
  if (name === '--version' || name === '-v') return void process.stdout.write(`${VERSION}\n`);
  try {
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) throw new Error(name === '' ? `Name a command.\n${USAGE}` : unknownCommand(name));
    const command = await load();
    await command(args);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return;
    process.stderr.write(`${sentenceOf(error)}\n`);
    process.exitCode = 1;
  }
}

function unknownCommand(name: string): string {
  return `"${name}" is not a command; swiftor --help lists them.`;
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of parseArgs.
  if ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))
    return `${error.message.split('. ')[0]}; swiftor --help lists the options.`;
  return error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message;
}
