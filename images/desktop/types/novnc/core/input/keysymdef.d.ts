declare const keysyms: {
  /** The keysym of a Unicode character. */
  lookup(codePoint: number): number;
};
export default keysyms;
