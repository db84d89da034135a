/** Gives the styles that xterm makes the nonce of the page's policy, which allows no others. */
export function allowStyles(): void {
  const nonce = document.querySelector('script')?.nonce ?? '';
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
