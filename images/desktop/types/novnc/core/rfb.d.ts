/** What the desktop's page uses of noVNC, which the build of the image puts beside it. */
export default class RFB extends EventTarget {
  constructor(target: HTMLElement, channel: WebSocket, options: { shared: boolean });
  resizeSession: boolean;
  viewOnly: boolean;
  scaleViewport: boolean;
  focusOnClick: boolean;
  compressionLevel: number;
  qualityLevel: number;
  background: string;
  /** Asks for a desktop of `_screenSize`, if sessions are resized. */
  _requestRemoteResize(): void;
  /** Of the element, in pixels of the page; the picture is scaled to it. */
  _screenSize(): { w: number; h: number };
  sendCtrlAltDel(): void;
  /** Presses and releases the key, or does one of both. */
  sendKey(keysym: number, code: string, isDown?: boolean): void;
  clipboardPasteFrom(text: string): void;
  addEventListener(type: 'clipboard', listener: (event: CustomEvent<{ text: string }>) => void): void;
  addEventListener(type: 'connect' | 'disconnect', listener: () => void): void;
}
