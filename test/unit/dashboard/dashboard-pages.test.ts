import { describe, expect, it } from 'vitest';
import { withNewest, withOlder, type PageOf, type Pages } from '../../../dashboard/loading/pages.ts';
import { weave } from '../../../dashboard/screens/activity/weave.ts';

const keyOf = (item: string): string => item.slice(0, 1);
const page = (nodes: string, endCursor: string | null = null): PageOf<string> => ({
  nodes: nodes.split(' '),
  pageInfo: { endCursor, hasNextPage: endCursor !== null },
});
const pages = (items: string, next: string | null = null): Pages<string> => ({
  items: items.split(' '),
  next,
  isExtended: false,
});
const extended = (items: string, next: string | null = null): Pages<string> => ({
  ...pages(items, next),
  isExtended: true,
});

describe('a list that is loaded page by page', () => {
  it('has each item once, also if a page came twice', () => {
    const once = withOlder(pages('d c', 'c'), page('b a'), keyOf);
    expect(once).toEqual(extended('d c b a'));
    expect(withOlder(once, page('b a'), keyOf)).toEqual(once);
  });

  it('goes on with new items before those that are there, as they are now', () => {
    expect(withNewest(extended('c b a', 'a'), page('e d c2', 'c'), keyOf)).toEqual(extended('e d c2 b a', 'a'));
  });

  it('does not grow by new items before anybody asks for older ones', () => {
    expect(withNewest(pages('c b a'), page('e d c', 'c'), keyOf)).toEqual(pages('e d c', 'c'));
  });

  it('begins anew if there is a hole between the new items and those that are there', () => {
    expect(withNewest(extended('b a'), page('f e d', 'd'), keyOf)).toEqual(pages('f e d', 'd'));
    expect(withNewest(undefined, page('b a'), keyOf)).toEqual(pages('b a'));
  });
});

describe('two lists by time', () => {
  const dated = (...times: string[]) => times.map((at) => ({ at }));
  const timesOf = (items: readonly { at: string }[]): string[] => items.map(({ at }) => at);

  it('are one, the newest first', () => {
    const one = { items: dated('4', '2'), isWhole: true };
    expect(timesOf(weave(one, { items: dated('5', '3', '1'), isWhole: true }))).toEqual(['5', '4', '3', '2', '1']);
  });

  it('end where one of them has not been loaded any further', () => {
    const one = { items: dated('9', '1'), isWhole: true };
    expect(timesOf(weave(one, { items: dated('8', '7'), isWhole: false }))).toEqual(['9', '8', '7']);
  });
});
