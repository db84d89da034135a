import type { Page } from 'playwright-core';

/** Letters of German words, which are 40 % longer than those of English. */
const TAIL = 'ungslichkeit';
/** Names in capitals are no words. */
const WORD = /[A-Za-z]?[a-z]{2,}/g;
/** What is not written in the language of the page: code, logs and addresses. */
const OTHER = 'code, pre, kbd, textarea, script, style, .mono, .log';

/** A text with each word 40 % longer. */
export function longerWords(text: string): string {
  return text.replaceAll(WORD, (word) => word + TAIL.slice(0, Math.ceil(word.length * 0.4)));
}

/** Makes every word of a page longer, now and when it changes. The page itself notices nothing. */
export async function useLongerWords(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const written = new WeakMap();
    const lengthen = (text) => {
      if (text.parentElement === null || text.parentElement.closest(${JSON.stringify(OTHER)}) !== null) return;
      if (written.get(text) === text.data) return;
      text.data = text.data.replaceAll(${String(WORD)},
        (word) => word + ${JSON.stringify(TAIL)}.slice(0, Math.ceil(word.length * 0.4)));
      written.set(text, text.data);
    };
    const within = (node) => {
      if (node instanceof Text) return lengthen(node);
      const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
      while (texts.nextNode() !== null) lengthen(texts.currentNode);
    };
    new MutationObserver((changes) => {
      for (const { target, type, addedNodes } of changes) {
        if (type === 'characterData') lengthen(target);
        else addedNodes.forEach(within);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    within(document.body);
  })()`);
}
