/**
 * A TCP or TLS socket as a session sees it.
 *
 * Runs in:   accept threads; hot.
 * Specs:     RFC 3207 (STARTTLS by wrapping the socket), RFC 9113-like care: nothing read in clear enters TLS.
 * Limits:    a handshake that takes longer than `handshakeMsMax` ends the connection (Node's own timer).
 */

import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { secondMs } from '../../base/units.ts';
import type { TlsSessionFacts } from '../protocols/smtp/command.ts';
import type { SessionTransport } from '../protocols/smtp/transport.ts';
import type { TlsSource } from './tls.ts';

export const handshakeMsMax = 30 * secondMs;

export interface TransportEvents {
  onData(chunk: Buffer): void;
  onDrain(): void;
  /** Once, last. */
  onClose(): void;
  onTlsFailed(error: Error): void;
}

export class SocketTransport implements SessionTransport {
  #socket: Socket;
  readonly #tls: TlsSource | undefined;
  readonly #events: TransportEvents;
  #isClosed = false;

  constructor(socket: Socket, tls: TlsSource | undefined, events: TransportEvents) {
    this.#socket = socket;
    this.#tls = tls;
    this.#events = events;
    this.#listen(socket);
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get canStartTls(): boolean {
    return this.#tls?.context !== undefined;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(bytes?: Uint8Array): void {
    if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
    // The peer's own end is awaited by the sweep at most; what it still sends is read and dropped.
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  startTls(bytes: Uint8Array, onSecure: (facts: TlsSessionFacts) => void): void {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('drain');
    plain.pause();
    plain.write(bytes);
    // Octets already read in clear must not pass for the first ones under TLS.
    plain.read();
    const secure = new TLSSocket(plain, {
      isServer: true,
      secureContext: this.#tls!.context!,
    });
    const timer = setTimeout(
      () => secure.destroy(new Error('handshake timed out')),
      handshakeMsMax,
    );
    timer.unref();
    plain.removeAllListeners('close');
    this.#socket = secure;
    secure.once('secure', () => {
      clearTimeout(timer);
      onSecure(factsOf(secure));
      secure.on('data', (chunk: Buffer) => this.#events.onData(chunk));
      secure.on('drain', () => this.#events.onDrain());
    });
    secure.on('error', (error) => this.#events.onTlsFailed(error));
    secure.once('close', () => {
      clearTimeout(timer);
      plain.destroy();
      this.#close();
    });
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#events.onData(chunk));
    socket.on('drain', () => this.#events.onDrain());
    // 'close' follows and says all there is to say: the peer is gone.
    socket.on('error', () => {});
    socket.once('close', () => this.#close());
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClose();
  }
}

export function factsOf(socket: TLSSocket): TlsSessionFacts {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().standardName };
}
