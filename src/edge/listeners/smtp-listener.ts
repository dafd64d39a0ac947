/**
 * A listening address whose connections get our own session: MX and relay, submission, LMTP.
 *
 * Runs in:   edge (main thread).
 * Invariant: every session is swept, so none outlives its time-outs; one timer a second serves them all, and what
 *            the sweep reads of the clock is all the time a session needs.
 */

import type { Buffer } from 'node:buffer';
import type { AddressInfo } from 'node:net';
import type { NetworkSet } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Timer } from '../../ports/clock.ts';
import type { ConnectionCaps, ConnectionCounts } from '../guard/connection-counts.ts';
import type { SmtpService } from '../protocols/smtp/service.ts';
import { SmtpSession } from '../protocols/smtp/session.ts';
import { type AcceptedConnection, Acceptor } from './accept.ts';
import { SocketTransport } from './socket-transport.ts';
import type { TlsSource } from './tls.ts';

/** How long a peer may take to close after we did. */
const lingerMsMax = 10 * secondMs;
const drainLingerMsMax = 2 * secondMs;

export interface SmtpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly service: SmtpService;
  readonly limits: ConnectionCaps;
  readonly counts?: ConnectionCounts;
  readonly proxyNetworks: NetworkSet;
  readonly allowNetworks?: NetworkSet;
  readonly uncountedNetworks?: NetworkSet;
  /** TLS from the first octet on (submissions). */
  readonly implicitTls?: TlsSource;
  /** STARTTLS is offered while it has a certificate. */
  readonly tls?: TlsSource;
}

export class SmtpListener {
  readonly #service: SmtpService;
  readonly #tls: TlsSource | undefined;
  readonly #acceptor: Acceptor;
  readonly #sessions = new Set<SmtpSession>();
  #sweepTimer: Timer | undefined;
  #emptied: () => void = () => {};

  constructor(options: SmtpListenerOptions) {
    const { service, tls, ...rest } = options;
    const { name, clock, observer } = service;
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

  #open({ socket, address, port, tls }: AcceptedConnection): void {
    const service = this.#service;
    const transport = new SocketTransport(socket, this.#tls, service.clock, {
      onData: (chunk: Buffer) => session.receive(chunk),
      onDrain: () => session.drained(),
      onTlsStarted: (facts) => service.observer.tlsStarted(service.name, facts.version),
      onTlsFailed: () => service.observer.tlsFailed(service.name),
      onClose: () => {
        this.#sessions.delete(session);
        session.closed();
        if (this.#sessions.size === 0) this.#emptied();
      },
    });
    const session = new SmtpSession(service, transport, address, port, tls);
    this.#sessions.add(session);
    session.open();
  }

  #sweepSoon(): void {
    const service = this.#service;
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
