import type { Page } from 'playwright-core';

/** Drops files and folders of this machine on a page, as a file manager does: a script cannot make a folder. */
export async function dropPaths(page: Page, files: string[], at: { x: number; y: number }): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data });
  await devtools.detach();
}
