/**
 * A TCP or TLS socket as a session sees it.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 3207 (STARTTLS by wrapping the socket), RFC 3207 §4.2: nothing read in clear enters the session.
 * Limits:    a handshake that takes longer than `handshakeMsMax` ends the connection.
 */

import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SessionTransport, TlsSessionFacts } from '../protocols/session/transport.ts';
import { destroying, factsOf, type TlsSource, tlsSocketOptions } from './tls.ts';

const handshakeMsMax = 30 * secondMs;

export interface TransportEvents {
  onData(chunk: Buffer): void;
  onDrain(): void;
  /** Once, last. */
  onClose(): void;
  onTlsStarted(facts: TlsSessionFacts): void;
  onTlsFailed(): void;
}

const carried = Symbol('transport');
interface CarriedSocket extends Socket {
  [carried]?: SocketTransport;
}

// Listeners find their transport at the socket: as closures they would cost each idle session half a kilobyte.
function onData(this: CarriedSocket, chunk: Buffer): void {
  this[carried]?.events.onData(chunk);
}

function onDrain(this: CarriedSocket): void {
  this[carried]?.events.onDrain();
}

function onClose(this: CarriedSocket): void {
  this[carried]?.closed();
}

export class SocketTransport implements SessionTransport {
  readonly events: TransportEvents;
  #socket: Socket;
  readonly #tls: TlsSource | undefined;
  readonly #clock: Clock;
  #isClosed = false;

  constructor(socket: Socket, tls: TlsSource | undefined, clock: Clock, events: TransportEvents) {
    this.#socket = socket;
    this.#tls = tls;
    this.#clock = clock;
    this.events = events;
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

  end(bytes?: Uint8Array, isAgreed = false): void {
    const socket = this.#socket;
    // TLS says that it ends, which takes a turn.
    if (isAgreed && bytes !== undefined && !(socket instanceof TLSSocket)) {
      socket.write(bytes);
      // The system has all of it and sends it on, then our end.
      if (socket.writableLength === 0) socket.destroy();
      else socket.end();
    } else if (bytes === undefined) socket.end();
    else socket.end(bytes);
    // What the peer still sends is read and dropped, or its own end would never be seen.
    socket.resume();
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
    const secure = new TLSSocket(plain, tlsSocketOptions(this.#tls!));
    const timer = this.#clock.setTimer(handshakeMsMax, () => secure.destroy());
    plain.removeAllListeners('close');
    this.#socket = secure;
    const failed = () => {
      this.events.onTlsFailed();
      secure.destroy();
    };
    const ended = () => {
      timer.cancel();
      plain.destroy();
      this.closed();
    };
    secure.once('secure', () => {
      timer.cancel();
      // What waited for the handshake is kept by no listener after it.
      secure.off('error', failed);
      secure.off('close', ended);
      secure.on('error', destroying(secure));
      secure.on('close', destroying(plain));
      secure.on('close', onClose);
      const facts = factsOf(secure);
      this.events.onTlsStarted(facts);
      onSecure(facts);
      (secure as CarriedSocket)[carried] = this;
      secure.on('data', onData);
      secure.on('drain', onDrain);
    });
    secure.on('error', failed);
    secure.on('close', ended);
  }

  #listen(socket: Socket): void {
    (socket as CarriedSocket)[carried] = this;
    socket.on('data', onData);
    socket.on('drain', onDrain);
    socket.on('close', onClose);
    // Whoever read a proxy's header before us paused it.
    if (socket.isPaused()) socket.resume();
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.events.onClose();
  }
}
