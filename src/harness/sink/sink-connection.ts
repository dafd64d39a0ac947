/**
 * One connection to a sink: its socket, TLS, and how slowly it is read.
 *
 * Runs in:   sink.
 * Limits:    nothing is read while a reply is held back or replies are not taken, nor faster than a model says: the client's window fills.
 */

import type { Socket } from 'node:net';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Fault, Visit } from './fault-source.ts';
import { SinkSession, type SinkSessionOptions } from './sink-session.ts';
import type { SinkMessage } from './sink-wire.ts';
import type { TlsStage } from './tls-stage.ts';

export interface ConnectionOptions extends SinkSessionOptions {
  readonly clock: Clock;
  readonly tls: TlsStage | undefined;
}

export interface ConnectionEvents {
  arrived(message: SinkMessage): void;
  /** `isOrderly`: the client ended with QUIT; `isBusy`: it was in the middle of a transaction. */
  closed(isOrderly: boolean, isBusy: boolean): void;
}

export class SinkConnection {
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #visit: Visit;
  #socket: Socket;
  #session: SinkSession | undefined;
  #bytesPerSecond: number | undefined;

  constructor(
    socket: Socket,
    visit: Visit,
    isImplicit: boolean,
    options: ConnectionOptions,
    events: ConnectionEvents,
  ) {
    this.#options = options;
    this.#events = events;
    this.#visit = visit;
    this.#socket = socket;
    // A reset tells nothing that 'close' does not.
    socket.on('error', () => {});
    socket.once('close', () => {
      visit.leave();
      const session = this.#session;
      events.closed(session?.isOrderly === true, session?.isBusy === true);
    });
    if (isImplicit) this.#handshake(visit.strike('handshake'));
    else this.#begin(false);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #begin(isEncrypted: boolean): void {
    const session = new SinkSession(
      {
        send: (text) => this.#socket.write(text, 'latin1'),
        end: () => this.#socket.end(),
        reset: () => this.#reset(),
        slow: (bytesPerSecond) => {
          this.#bytesPerSecond = bytesPerSecond;
        },
        startTls: (fault) => this.#handshake(fault),
        later: (delayMs, run) => {
          this.#options.clock.setTimer(delayMs, () => {
            run();
            if (this.#session?.isPaused !== true) this.#socket.resume();
          });
        },
        arrived: (message) => this.#events.arrived(message),
      },
      this.#options,
      this.#visit,
      isEncrypted,
    );
    this.#session = session;
    this.#read(session);
  }

  #read(session: SinkSession): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      session.receive(chunk);
      if (session.isPaused) socket.pause();
      else if (socket.writableNeedDrain) this.#awaitReader(socket);
      else if (this.#bytesPerSecond !== undefined) this.#rest(chunk.length, this.#bytesPerSecond);
    });
  }

  /** Who does not read its replies is not read either: they would gather here without end. */
  #awaitReader(socket: Socket): void {
    socket.pause();
    socket.once('drain', () => {
      if (this.#session?.isPaused !== true) socket.resume();
    });
  }

  #rest(bytes: number, bytesPerSecond: number): void {
    const socket = this.#socket;
    socket.pause();
    this.#options.clock.setTimer((bytes / bytesPerSecond) * secondMs, () => {
      if (this.#session?.isPaused !== true) socket.resume();
    });
  }

  #handshake(fault: Fault | undefined): void {
    const { tls, clock } = this.#options;
    const socket = this.#socket;
    socket.removeAllListeners('data');
    if (fault?.drop !== undefined) {
      if (fault.drop === 'reset') socket.resetAndDestroy();
      else socket.end();
      return;
    }
    const begin = () => {
      tls?.begin(socket, fault?.tls, (secured) => {
        this.#socket = secured;
        secured.on('error', () => {});
        if (this.#session === undefined) {
          this.#begin(true);
        } else {
          this.#session.secured();
          this.#read(this.#session);
        }
      });
    };
    if (fault === undefined || fault.delayMs === 0) begin();
    else clock.setTimer(fault.delayMs, begin);
  }

  /** A TLS socket has no reset of its own; what lies under it is cut. */
  #reset(): void {
    if ('encrypted' in this.#socket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}
