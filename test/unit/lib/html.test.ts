import { describe, expect, it } from 'vitest';
import { html, type Html } from '../../../src/lib/html.ts';

describe('html', () => {
  it.each([
    ['text', html`<p>${'a < b & "c" > \'d\''}</p>`, '<p>a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;</p>'],
    ['an attribute', html`<a href="${'" onclick="x'}">`, '<a href="&quot; onclick=&quot;x">'],
    ['a number', html`<b>${4.5}</b>`, '<b>4.5</b>'],
    ['nothing', html`<b>${undefined}${false}</b>`, '<b></b>'],
    ['zero and the empty text', html`<b>${0}${''}</b>`, '<b>0</b>'],
    ['markup of its own, once', html`<p>${html`<b>${'<'}</b>`}</p>`, '<p><b>&lt;</b></p>'],
    ['a list of both', html`${['<', html`<i></i>`, ['&']]}`, '&lt;<i></i>&amp;'],
    ['what was escaped before, again', html`${'&lt;'}`, '&amp;lt;'],
    [
      'a script as the name of a VM',
      html`<h1>${'</h1><script>alert(1)</script>'}</h1>`,
      '<h1>&lt;/h1&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h1>',
    ],
  ])('writes %s', (_what, made, expected) => {
    expect(made.toString()).toBe(expected);
  });

  it('does not take an object that looks like markup for it', () => {
    const forged = { toString: () => '<script>' } as unknown as Html;
    expect(() => html`${forged}`.toString()).toThrow(TypeError);
  });
});
