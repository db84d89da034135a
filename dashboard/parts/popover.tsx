import type { ComponentChildren, JSX } from 'preact';
import { useId, useRef } from 'preact/hooks';

interface PopoverProps {
  /** The button's name, where its content is only an icon. */
  readonly label?: string | undefined;
  readonly class: string;
  readonly button: ComponentChildren;
  readonly role?: 'menu' | 'dialog';
  /** Rendered only while it is open. */
  readonly children: ComponentChildren;
  readonly onToggle?: (isOpen: boolean) => void;
}

const GAP = 6;

/** A button with a panel below it, which Escape or a click elsewhere closes. */
export function Popover({
  label,
  class: className,
  button,
  role = 'dialog',
  children,
  onToggle,
}: PopoverProps): JSX.Element {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const sizes = useRef<ResizeObserver>(null);
  const toggle = ({ newState }: Pick<ToggleEvent, 'newState'>): void => {
    const isOpen = newState === 'open';
    onToggle?.(isOpen);
    sizes.current?.disconnect();
    if (isOpen && opener.current !== null && panel.current !== null)
      sizes.current = keepPlaced(opener.current, panel.current);
    opener.current?.setAttribute('aria-expanded', String(isOpen));
    const inside = panel.current?.querySelector<HTMLElement>('[role=menuitem], button, input, a');
    if (isOpen) inside?.focus();
  };
  return (
    <>
      <button
        ref={opener}
        type="button"
        class={className}
        aria-label={label}
        popovertarget={id}
        aria-haspopup={role}
        aria-expanded="false"
      >
        {button}
      </button>
      <div ref={panel} id={id} class="popover" popover="auto" role={role} aria-label={label} onToggle={toggle}>
        {children}
      </div>
    </>
  );
}

/** Places the panel now, and whenever its content changes its size. */
function keepPlaced(opener: HTMLElement, panel: HTMLElement): ResizeObserver {
  const sizes = new ResizeObserver(() => place(opener, panel));
  place(opener, panel);
  sizes.observe(panel);
  return sizes;
}

/** Below the button, or above it where there is no room, within the window. */
function place(opener: HTMLElement, panel: HTMLElement): void {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const hasRoomBelow = at.bottom + GAP + height < innerHeight;
  panel.style.top = `${hasRoomBelow ? at.bottom + GAP : Math.max(GAP, at.top - GAP - height)}px`;
  panel.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
}
