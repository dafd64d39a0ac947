/**
 * A listening address whose connections get sessions, of whichever protocol: swept, drained and let go alike.
 *
 * Runs in:   edge (main thread).
 * Invariant: every session is swept, so none outlives its time-outs; one timer a second serves them all, and what
 *            the sweep reads of the clock is all the time a session needs.
 */

import type { Buffer } from 'node:buffer';
import type { AddressInfo } from 'node:net';
import type { NetworkSet } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { ConnectionCaps, ConnectionCounts } from '../guard/connection-counts.ts';
import type { SessionObserver } from '../protocols/session/observer.ts';
import type { SessionTransport, TlsSessionFacts } from '../protocols/session/transport.ts';
import { type AcceptedConnection, Acceptor, type AcceptorOptions } from './accept.ts';
import { SocketTransport, type TransportEvents } from './socket-transport.ts';
import type { TlsSource } from './tls.ts';

/** How long a peer may take to close after we did. */
const lingerMsMax = 10 * secondMs;

export interface ListenedService {
  readonly name: string;
  readonly clock: Clock;
  readonly observer: SessionObserver;
  isDraining: boolean;
  /** Coarse time: what the sweep read last. */
  tickMs: number;
}

export interface ListenedSession {
  /** Coarse time of its last word; 0 while it lasts. */
  readonly endedMs: number;
  open(): void;
  receive(chunk: Buffer): void;
  drained(): void;
  closed(): void;
  drain(): void;
  sweep(nowMs: number): void;
  destroy(): void;
}

export interface ListenerOptions<Service extends ListenedService> {
  readonly host: string;
  readonly port: number;
  readonly service: Service;
  readonly limits: ConnectionCaps;
  readonly counts?: ConnectionCounts;
  readonly proxyNetworks: NetworkSet;
  readonly allowNetworks?: NetworkSet;
  readonly uncountedNetworks?: NetworkSet;
  readonly isBanned?: (address: string) => boolean;
  /** TLS from the first octet on (submissions). */
  readonly implicitTls?: TlsSource;
  /** STARTTLS is offered while it has a certificate. */
  readonly tls?: TlsSource;
}

interface SessionListenerOptions<Service extends ListenedService> extends ListenerOptions<Service> {
  readonly refusals?: NonNullable<AcceptorOptions['refusals']>;
  /** The same as `lingerMsMax`, for a server that goes down; absent: as long. */
  readonly drainLingerMsMax?: number;
  readonly newSession: (
    transport: SessionTransport,
    connection: AcceptedConnection,
  ) => ListenedSession;
}

/** What comes from a session's socket; the socket says nothing before the turn that sets `session` ends. */
class SessionEvents implements TransportEvents {
  session: ListenedSession | undefined;
  readonly #service: ListenedService;
  readonly #gone: (session: ListenedSession) => void;

  constructor(service: ListenedService, gone: (session: ListenedSession) => void) {
    this.#service = service;
    this.#gone = gone;
  }

  onData(chunk: Buffer): void {
    this.session!.receive(chunk);
  }

  onDrain(): void {
    this.session!.drained();
  }

  onTlsStarted(facts: TlsSessionFacts): void {
    this.#service.observer.tlsStarted(this.#service.name, facts.version);
  }

  onTlsFailed(): void {
    this.#service.observer.tlsFailed(this.#service.name);
  }

  onClose(): void {
    this.#gone(this.session!);
  }
}

export class SessionListener<Service extends ListenedService> {
  readonly #options: SessionListenerOptions<Service>;
  readonly #service: Service;
  readonly #tls: TlsSource | undefined;
  readonly #acceptor: Acceptor;
  readonly #sessions = new Set<ListenedSession>();
  #sweepTimer: Timer | undefined;
  #emptied: () => void = () => {};

  constructor(options: SessionListenerOptions<Service>) {
    const { service, tls, drainLingerMsMax, newSession, ...rest } = options;
    const { name, clock, observer } = service;
    this.#options = options;
    this.#service = service;
    this.#tls = tls;
    this.#acceptor = new Acceptor({ name, clock, observer, ...rest }, (connection) =>
      this.#open(connection),
    );
  }

  listen(): Promise<AddressInfo> {
    this.#sweepSoon();
    return this.#acceptor.listen();
  }

  /** Stops accepting, lets messages under way finish, ends what is left after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#service.isDraining = true;
    const closed = this.#acceptor.close();
    for (const session of this.#sessions) session.drain();
    const cut = this.#service.clock.setTimer(graceMs, () => {
      for (const session of this.#sessions) session.destroy();
    });
    await closed;
    // A server is closed before its sockets have said so: sessions end in a later turn.
    if (this.#sessions.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    cut.cancel();
    this.#sweepTimer?.cancel();
  }

  #open(connection: AcceptedConnection): void {
    const service = this.#service;
    const events = new SessionEvents(service, this.#gone);
    const transport = new SocketTransport(connection.socket, this.#tls, service.clock, events);
    const session = this.#options.newSession(transport, connection);
    events.session = session;
    this.#sessions.add(session);
    session.open();
  }

  readonly #gone = (session: ListenedSession): void => {
    this.#sessions.delete(session);
    session.closed();
    if (this.#sessions.size === 0) this.#emptied();
  };

  #sweepSoon(): void {
    const service = this.#service;
    const { drainLingerMsMax = lingerMsMax } = this.#options;
    this.#sweepTimer = service.clock.setTimer(secondMs, () => {
      const nowMs = service.clock.monotonicMs();
      service.tickMs = nowMs;
      const lingerMs = service.isDraining ? drainLingerMsMax : lingerMsMax;
      for (const session of this.#sessions) {
        // One that had a message under way may have none now.
        if (service.isDraining) session.drain();
        session.sweep(nowMs);
        if (session.endedMs > 0 && nowMs - session.endedMs > lingerMs) session.destroy();
      }
      this.#sweepSoon();
    });
  }
}
