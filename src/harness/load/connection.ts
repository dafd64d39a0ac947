/**
 * A client's connection, plain or TLS, made for many of them at once: reads land in one buffer for all, and one timer
 * watches all deadlines.
 *
 * Runs in:   load generator.
 * Specs:     RFC 8446 by node:tls; certificates are looked at only where a load asks for it.
 * Limits:    a reply may take `replyMsMax`, looked at every `sweepMs`.
 * Invariant: `onClose` comes once, last, also where the connection never opened.
 */

import { Buffer } from 'node:buffer';
import { connect as connectPlain, type Socket } from 'node:net';
import type tls from 'node:tls';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';

export const tlsModes = ['none', 'starttls', 'implicit'] as const;
export type TlsMode = (typeof tlsModes)[number];

const sweepMs = 1_000;
const readBytes = 64 * 1024;

export interface ConnectionOptions extends HostPort {
  readonly tls: TlsMode;
  /** Name sent to the server and looked for in its certificate; the target's where absent. */
  readonly tlsName?: string;
  /** Whether a certificate that nobody vouches for ends the session. */
  readonly isVerified: boolean;
}

export interface ConnectionEvents {
  /** The socket is open; under implicit TLS the handshake follows. */
  onConnect(): void;
  /** A TLS handshake is done. */
  onSecure(): void;
  /** The first `count` of `bytes` came; they are valid until this returns. */
  onBytes(bytes: Buffer, count: number): void;
  onClose(detail: string): void;
}

/** All connections of one target: their deadlines and their read buffer. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #replyMsMax: number;
  readonly #open = new Set<Connection>();
  readonly #buffer = Buffer.allocUnsafeSlow(readBytes);
  #sweep: Timer | undefined;

  constructor(options: ConnectionOptions, clock: Clock, replyMsMax: number) {
    this.#options = options;
    this.#clock = clock;
    this.#replyMsMax = replyMsMax;
  }

  open(events: ConnectionEvents): Connection {
    const connection = new Connection(this.#options, this.#buffer, events, () => {
      this.#open.delete(connection);
    });
    this.#open.add(connection);
    this.#sweep ??= this.#clock.setTimer(sweepMs, () => this.#look());
    return connection;
  }

  #look(): void {
    this.#sweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const connection of this.#open) connection.look(nowMs, this.#replyMsMax);
    if (this.#open.size > 0) this.#sweep = this.#clock.setTimer(sweepMs, () => this.#look());
  }
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #onGone: () => void;
  #socket: Socket;
  #detail = 'closed by the server';
  #isClosed = false;
  /** It is over, and known why: what the socket says after that is no news. */
  #isEnding = false;
  /** Whether a reply is owed, and when the sweep first saw that nothing had come since. */
  #isWaiting = true;
  #quietSinceMs: number | undefined;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(
    options: ConnectionOptions,
    buffer: Buffer,
    events: ConnectionEvents,
    onGone: () => void,
  ) {
    this.#options = options;
    this.#events = events;
    this.#onGone = onGone;
    const { host, port, tls } = options;
    const callback = (count: number) => {
      this.#receive(buffer, count);
      return true;
    };
    // One buffer serves all sockets: what is read is done with before the next read.
    const reading = tls === 'none' ? { onread: { buffer, callback } } : {};
    this.#socket = connectPlain({ host, port, noDelay: true, ...reading });
    this.#socket.once('connect', () => {
      this.#events.onConnect();
      if (tls === 'implicit') this.secure();
    });
    if (tls === 'starttls')
      this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes, bytes.length));
    this.#watch(this.#socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(what: string | Uint8Array): void {
    this.sentBytes += what.length;
    this.#await();
    if (typeof what === 'string') this.#socket.write(what, 'latin1');
    else this.#socket.write(what);
  }

  /** Several pieces in one write. */
  writeAll(pieces: readonly (string | Uint8Array)[]): void {
    this.#socket.cork();
    for (const piece of pieces) this.write(piece);
    this.#socket.uncork();
  }

  /** Nothing is owed by the server: no deadline runs. */
  rest(): void {
    this.#isWaiting = false;
    this.#quietSinceMs = undefined;
  }

  /** Begins TLS on this connection. */
  secure(): void {
    const plain = this.#socket;
    const { host, tlsName = host, isVerified } = this.#options;
    plain.removeAllListeners('data');
    this.#await();
    // An address is no name to ask for (RFC 6066 §3).
    const named = /^[\d.]+$|:/.test(tlsName) ? {} : { servername: tlsName };
    const secured = loadTls().connect({ socket: plain, rejectUnauthorized: isVerified, ...named });
    secured.once('secureConnect', () => this.#events.onSecure());
    secured.on('data', (bytes: Buffer) => this.#receive(bytes, bytes.length));
    secured.on('error', (error) => this.#fail(error));
    this.#socket = secured;
  }

  /** Ends in order; `detail` is told by `onClose`. */
  end(detail: string): void {
    this.expectClose(detail);
    this.#socket.end();
  }

  destroy(detail?: string): void {
    if (detail !== undefined) this.#detail = detail;
    this.#socket.destroy();
  }

  /** What `onClose` is to say where the server closes. */
  expectClose(detail: string): void {
    this.#isEnding = true;
    this.#detail = detail;
  }

  /** Called by the sweep. */
  look(nowMs: number, replyMsMax: number): void {
    if (!this.#isWaiting) return;
    this.#quietSinceMs ??= nowMs;
    if (nowMs - this.#quietSinceMs >= replyMsMax) this.destroy('no reply in time');
  }

  #await(): void {
    this.#isWaiting = true;
    this.#quietSinceMs = undefined;
  }

  #receive(bytes: Buffer, count: number): void {
    this.receivedBytes += count;
    this.#quietSinceMs = undefined;
    this.#events.onBytes(bytes, count);
  }

  #watch(socket: Socket): void {
    socket.on('error', (error) => this.#fail(error));
    socket.once('close', () => {
      this.#isClosed = true;
      this.#onGone();
      this.#events.onClose(this.#detail);
    });
  }

  #fail(error: Error): void {
    if (!this.#isEnding) this.#detail = error.message;
    this.#socket.destroy();
  }
}

/** Loaded where it is used: it costs a load 30 ms of CPU. */
function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
