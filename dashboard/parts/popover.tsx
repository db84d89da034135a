import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

interface PopoverProps {
  /** The name of button and panel. */
  readonly label: string;
  readonly class: string;
  readonly button: ComponentChildren;
  readonly role?: 'menu' | 'dialog';
  /** Called only while it is open. */
  readonly children: () => ComponentChildren;
}

const GAP = 6;

/** A button with a panel below it, which Escape or a click elsewhere closes. */
export function Popover({ label, class: className, button, role = 'dialog', children }: PopoverProps): JSX.Element {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen || opener.current === null || panel.current === null) return undefined;
    const sizes = keepPlaced(opener.current, panel.current);
    // What is inside is drawn only now. The panel takes the focus of what is still being loaded.
    (panel.current.querySelector<HTMLElement>('[role=menuitem], button, input, a') ?? panel.current).focus();
    return () => sizes.disconnect();
  }, [isOpen]);
  return (
    <>
      <button
        ref={opener}
        type="button"
        class={className}
        aria-label={label}
        popovertarget={id}
        aria-haspopup={role}
        aria-expanded={isOpen}
      >
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        class="popover"
        popover="auto"
        role={role}
        aria-label={label}
        tabIndex={-1}
        onToggle={({ newState }: Pick<ToggleEvent, 'newState'>) => setOpen(newState === 'open')}
      >
        {isOpen && children()}
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
