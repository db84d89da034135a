/** What test files need beyond Node and the npm packages, the less first. */
export type TestNeeds = 'nothing' | 'engine' | 'everything';

const ORDER: readonly TestNeeds[] = ['nothing', 'engine', 'everything'];

/**
 * By the folder that each argument of `npm test` names; everything for one that names none of them, or where there is
 * none.
 */
export function needsOfFiles(args: readonly string[]): TestNeeds {
  const files = args.filter((arg) => !arg.startsWith('-'));
  if (files.length === 0) return 'everything';
  return ORDER[Math.max(...files.map((file) => ORDER.indexOf(needsOf(file))))] ?? 'everything';
}

function needsOf(file: string): TestNeeds {
  const [, folder] = /(?:^|\/)test\/(unit|database|load|engine)(?:\/|$)/.exec(file) ?? [];
  if (folder === undefined) return 'everything';
  return folder === 'engine' ? 'engine' : 'nothing';
}
