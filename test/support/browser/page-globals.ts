import { vi } from 'vitest';

/** A window for the modules of dashboard/ that draw nothing: what they ask for goes to `origin`, a gateway. */
export function stubPage(origin = 'http://localhost'): { readonly reload: ReturnType<typeof vi.fn> } {
  const page = new EventTarget();
  const { fetch } = globalThis;
  const reload = vi.fn();
  vi.stubGlobal('location', { origin, pathname: '/', reload });
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
  vi.stubGlobal('navigator', { onLine: true, language: 'en-GB' });
  vi.stubGlobal('sessionStorage', memoryStorage());
  vi.stubGlobal('localStorage', memoryStorage());
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => fetch(new URL(path, origin), init));
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => setTimeout(draw));
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const)
    vi.stubGlobal(name, page[name].bind(page));
  return { reload };
}

function memoryStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'clear'> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}
