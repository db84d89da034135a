/** What the desktop's page uses of noVNC, which the build of the image puts beside it. */
export default class RFB extends EventTarget {
  constructor(target: HTMLElement, url: string, options: { shared: boolean });
  resizeSession: boolean;
  scaleViewport: boolean;
  compressionLevel: number;
  qualityLevel: number;
  background: string;
  focus(): void;
  sendCtrlAltDel(): void;
  clipboardPasteFrom(text: string): void;
  addEventListener(type: 'clipboard', listener: (event: CustomEvent<{ text: string }>) => void): void;
  addEventListener(type: 'connect' | 'disconnect', listener: () => void): void;
}
