/**
 * A listening address whose connections get IMAP sessions.
 *
 * Runs in:   edge (main thread).
 * Invariant: every session is swept, so none outlives its time-outs; one timer a second serves them all.
 */

import type { Buffer } from 'node:buffer';
import type { AddressInfo } from 'node:net';
import { latin1 } from '../../base/bytes.ts';
import type { NetworkSet } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Timer } from '../../ports/clock.ts';
import type { ConnectionCaps, ConnectionCounts } from '../guard/connection-counts.ts';
import type { ImapService } from '../protocols/imap/service.ts';
import { ImapSession } from '../protocols/imap/session.ts';
import { type AcceptedConnection, Acceptor } from './accept.ts';
import { SocketTransport } from './socket-transport.ts';
import type { TlsSource } from './tls.ts';

/** How long a peer may take to close after we did. */
const lingerMsMax = 10 * secondMs;

const refusals = {
  peerNotAllowed: latin1('* BYE [UNAVAILABLE] Not from here\r\n'),
  connectionsTooMany: latin1('* BYE [LIMIT] Too many connections\r\n'),
};

export interface ImapListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly service: ImapService;
  readonly limits: ConnectionCaps;
  readonly counts?: ConnectionCounts;
  readonly proxyNetworks: NetworkSet;
  readonly uncountedNetworks?: NetworkSet;
  /** TLS from the first octet on (imaps). */
  readonly implicitTls?: TlsSource;
  /** STARTTLS is offered while it has a certificate. */
  readonly tls?: TlsSource;
}

export class ImapListener {
  readonly #service: ImapService;
  readonly #tls: TlsSource | undefined;
  readonly #acceptor: Acceptor;
  readonly #sessions = new Set<ImapSession>();
  #sweepTimer: Timer | undefined;
  #emptied: () => void = () => {};

  constructor(options: ImapListenerOptions) {
    const { service, tls, ...rest } = options;
    const { name, clock, observer } = service;
    this.#service = service;
    this.#tls = tls;
    this.#acceptor = new Acceptor({ name, clock, observer, refusals, ...rest }, (connection) =>
      this.#open(connection),
    );
  }

  listen(): Promise<AddressInfo> {
    this.#sweepSoon();
    return this.#acceptor.listen();
  }

  /** Stops accepting, lets commands under way finish, ends what is left after `graceMs`. */
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

  #open({ socket, address, tls }: AcceptedConnection): void {
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
    const session = new ImapSession(service, transport, address, tls);
    this.#sessions.add(session);
    session.open();
  }

  #sweepSoon(): void {
    const service = this.#service;
    this.#sweepTimer = service.clock.setTimer(secondMs, () => {
      const nowMs = service.clock.monotonicMs();
      service.tickMs = nowMs;
      for (const session of this.#sessions) {
        if (service.isDraining) session.drain();
        session.sweep(nowMs);
        if (session.endedMs > 0 && nowMs - session.endedMs > lingerMsMax) session.destroy();
      }
      this.#sweepSoon();
    });
  }
}
