/**
 * Outgoing TCP connections, with TLS started on demand.
 *
 * Contract:
 * - `dial` resolves when connected or rejects with a `DialError`; `timeoutMs` bounds it.
 * - Bytes handed to `onData` are the receiver's until it returns; it copies what it keeps.
 * - `write` takes the parts in one system call where it can, keeps them until sent, and answers false when more
 *   than a socket's buffer waits; `onDrain` follows then.
 * - `onClose` comes exactly once, last, whatever the cause; after it nothing else comes.
 * - Through a proxy, `remoteAddress` is the target's, and `localAddress` what the target sees, "" where the proxy does not
 *   say. Its own failures are `source` faults; what it says of the target (refused, unreachable) is the target's fault.
 * - `startTls` may be called once, with nothing unread; bytes that came before it are never seen after it.
 */

export type DialFault =
  | 'refused'
  | 'timed-out'
  | 'unreachable'
  | 'reset'
  | 'tls'
  | 'forbidden'
  /** Our own side, not the target: the address to leave from is not ours, or the proxy does not serve us. */
  | 'source';

export class DialError extends Error {
  override readonly name = 'DialError';
  readonly fault: DialFault;

  constructor(fault: DialFault, detail: string, options?: ErrorOptions) {
    super(`${fault}: ${detail}`, options);
    this.fault = fault;
  }
}

/** Somebody who connects to targets in our place. */
export interface EgressProxy {
  /** SOCKS 5, or the PROXY protocol's version 2: the header says from where to where, and the proxy connects there. */
  readonly kind: 'socks5' | 'proxy-v2';
  /** An address, never a name. */
  readonly address: string;
  readonly port: number;
  /** With SOCKS 5 only. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

export interface DialTarget {
  /** An IPv4 or IPv6 address, never a name. */
  readonly address: string;
  readonly port: number;
  /** The source address to leave from; the system's choice when absent. With a `proxy-v2`, what that one leaves from. */
  readonly localAddress?: string;
  /** Absent: straight to the target. */
  readonly proxy?: EgressProxy;
  readonly timeoutMs: number;
}

export interface ConnectionEvents {
  onData(bytes: Uint8Array): void;
  onDrain(): void;
  /** `fault` is absent on an orderly end by the peer or by us. */
  onClose(fault?: DialError): void;
}

export interface TlsRequest {
  readonly serverName: string;
  /** False: encrypt with whoever answers (opportunistic, RFC 7435). */
  readonly verify: boolean;
  /** The certificates the peer showed are wanted in the facts. */
  readonly wantsChain?: boolean;
  readonly timeoutMs: number;
}

export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly verified: boolean;
  /** Why it is not. */
  readonly fault?: string;
  /** In DER, the peer's own first; only where they were wanted. */
  readonly chain?: readonly Uint8Array[];
}

export interface Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  write(parts: readonly Uint8Array[]): boolean;
  /** Stops and restarts `onData`: back-pressure towards the peer. */
  pause(): void;
  resume(): void;
  startTls(request: TlsRequest): Promise<TlsFacts>;
  /** Sends what waits, then ends. */
  end(): void;
  /** Ends now; what waits is lost. */
  destroy(): void;
}

export interface Dialer {
  dial(target: DialTarget, events: ConnectionEvents): Promise<Connection>;
}
