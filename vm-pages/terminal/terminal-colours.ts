import type { ITheme } from '@xterm/xterm';

/** The colours of the page, as xterm reads them: it draws by itself and knows no variables of a style sheet. */
export function terminalColours(): ITheme {
  const probe = document.createElement('span');
  document.body.append(probe);
  const colour = (value: string): string => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const theme = {
    background: colour('var(--ground)'),
    foreground: colour('var(--text)'),
    cursor: colour('var(--accent)'),
    selectionBackground: colour('color-mix(in srgb, var(--accent) 35%, var(--ground))'),
  };
  probe.remove();
  return theme;
}
