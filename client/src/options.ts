/** How to reach a gateway, and as whom. */
export interface SwiftorClientOptions {
  /** The address of the gateway, such as `https://gateway.example.org`. */
  readonly url: string;
  /**
   * A valid token, without "Bearer". Called for each request, and for each connection of the event stream: also again
   * when the token of a connection has expired. A throw is taken for an outage, and tried again; nothing (null,
   * undefined or '') means that nobody is signed in, and ends what waits with UNAUTHENTICATED.
   */
  readonly token: () => Token | Promise<Token>;
  /** Called when the connection of the event stream opens (true) and closes (false), for an indicator on the screen. */
  readonly onConnection?: (isConnected: boolean) => void;
  /** For a Node without a global WebSocket (before 22): that of the package `ws`. */
  readonly webSocketImpl?: unknown;
}

export type Token = string | null | undefined;
