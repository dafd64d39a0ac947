/**
 * The socket as a session sees it: the real one, one under TLS, or a test's.
 *
 * Runs in:   edge (main thread).
 */

import type { ChannelFacts } from '../../guard/channel.ts';

export interface TlsSessionFacts extends ChannelFacts {
  readonly version: string;
  readonly cipher: string;
}

export interface SessionTransport {
  /** Octets handed to the socket that the peer has not taken. */
  readonly unsentBytes: number;
  readonly canStartTls: boolean;
  /** Keeps `bytes` until they are sent. */
  write(bytes: Uint8Array): void;
  /**
   * Sends `bytes` and what waits, then ends. `isAgreed`: the peer said that it is done, so nothing more of it is read,
   * not even its own end: most do not wait for ours, and a reset costs more than all else about a farewell.
   */
  end(bytes?: Uint8Array, isAgreed?: boolean): void;
  destroy(): void;
  /** Stops and restarts the coming of octets: back-pressure. */
  pause(): void;
  resume(): void;
  /** Sends `bytes`, then negotiates TLS; `onSecure` comes before any octet read through it. */
  startTls(bytes: Uint8Array, onSecure: (facts: TlsSessionFacts) => void): void;
}
