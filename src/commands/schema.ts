import { parseArgs } from 'node:util';
import { printedSchema } from '../graphql/schema/schema.ts';

/** `swiftor schema`. */
export async function schema(args: readonly string[]): Promise<void> {
  parseArgs({ args: [...args], options: {} });
  process.stdout.write(printedSchema());
}
