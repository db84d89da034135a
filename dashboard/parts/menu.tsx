import type { ComponentChildren, JSX } from 'preact';
import { Popover } from './popover.tsx';

export interface MenuItem {
  readonly label: string;
  /** An address instead of an action. */
  readonly href?: string;
  readonly onSelect?: () => void;
  /** Why it cannot be chosen now. */
  readonly why?: string | undefined;
  readonly isDanger?: boolean;
}

interface MenuProps {
  readonly label: string;
  readonly class?: string;
  readonly button: ComponentChildren;
  readonly items: () => readonly MenuItem[];
}

/** A menu of actions. Those that cannot be chosen are shown with the reason. */
export function Menu({ label, class: className = 'icon-button', button, items }: MenuProps): JSX.Element {
  return (
    <Popover label={label} class={className} button={button} role="menu">
      {() => (
        // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- the keys of the menu around it
        <div class="menu" role="presentation" onKeyDown={moveFocus}>
          {items().map((item) => (
            <Item key={item.label} {...item} />
          ))}
        </div>
      )}
    </Popover>
  );
}

function Item({ label, href, onSelect, why, isDanger = false }: MenuItem): JSX.Element {
  const close = (event: Event): void =>
    (event.currentTarget as HTMLElement).closest<HTMLElement>('[popover]')?.hidePopover();
  const content = (
    <>
      <span>{label}</span>
      {why !== undefined && <span class="quiet small">{why}</span>}
    </>
  );
  if (href !== undefined && why === undefined) {
    return (
      <a role="menuitem" href={href} onClick={close}>
        {content}
      </a>
    );
  }
  return (
    <button
      type="button"
      role="menuitem"
      class={isDanger ? 'danger' : ''}
      aria-disabled={why !== undefined}
      onClick={(event) => {
        if (why !== undefined) return;
        close(event);
        onSelect?.();
      }}
    >
      {content}
    </button>
  );
}

function moveFocus(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLElement;
  const items = [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: items.length - 1,
  };
  const target = targets[event.key];
  if (target === undefined) return;
  event.preventDefault();
  items[(target + items.length) % items.length]?.focus();
}
