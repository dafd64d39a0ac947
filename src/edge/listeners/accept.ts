/**
 * One listening address: accepts connections within its caps and gives each a session.
 *
 * Runs in:   accept threads.
 * Limits:    `connectionsMax` in all, `connectionsPerAddressMax` for each peer address; both refused with 421.
 * Invariant: every session is swept, so none outlives its time-outs; one timer a second serves them all.
 */

import type { Buffer } from 'node:buffer';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { secondMs } from '../../base/units.ts';
import type { Timer } from '../../ports/clock.ts';
import { plainAddress } from '../guard/networks.ts';
import { replies } from '../protocols/smtp/replies.ts';
import type { SmtpService } from '../protocols/smtp/service.ts';
import { SmtpSession } from '../protocols/smtp/session.ts';
import { SocketTransport } from './socket-transport.ts';
import type { TlsSource } from './tls.ts';

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** Connections the kernel holds that we have not accepted. */
  readonly backlogMax: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 1_000,
  backlogMax: 1_024,
};

export interface SmtpListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly service: SmtpService;
  readonly limits: ConnectionLimits;
  /** STARTTLS is offered when there is one with a certificate. */
  readonly tls?: TlsSource;
}

export class SmtpListener {
  readonly #options: SmtpListenerOptions;
  readonly #server: Server;
  readonly #sessions = new Set<SmtpSession>();
  readonly #counts = new Map<string, number>();
  #sweepTimer: Timer | undefined;

  constructor(options: SmtpListenerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) =>
      this.#accept(socket),
    );
  }

  /** Resolves with the address bound, once connections are taken. */
  listen(): Promise<AddressInfo> {
    const { host, port, limits } = this.#options;
    this.#sweepSoon();
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: limits.backlogMax }, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  #accept(socket: Socket): void {
    const { service, limits, tls } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? '');
    const count = this.#counts.get(address) ?? 0;
    if (this.#sessions.size >= limits.connectionsMax || count >= limits.connectionsPerAddressMax) {
      service.observer.refused(service.name, 'connections');
      socket.on('error', () => {});
      socket.end(replies.connectionsTooMany);
      return;
    }
    this.#counts.set(address, count + 1);
    service.observer.connected(service.name);
    const transport = new SocketTransport(socket, tls, {
      onData: (chunk: Buffer) => session.receive(chunk),
      onDrain: () => session.drained(),
      onTlsFailed: () => service.observer.tlsFailed(service.name),
      onClose: () => {
        this.#sessions.delete(session);
        this.#release(address);
        session.closed();
        service.observer.disconnected(service.name);
      },
    });
    const session = new SmtpSession(service, transport, address, socket.remotePort ?? 0);
    this.#sessions.add(session);
    session.open();
  }

  #release(address: string): void {
    const count = (this.#counts.get(address) ?? 1) - 1;
    if (count === 0) this.#counts.delete(address);
    else this.#counts.set(address, count);
  }

  #sweepSoon(): void {
    const { service } = this.#options;
    this.#sweepTimer = service.clock.setTimer(secondMs, () => {
      service.tickMs = service.clock.monotonicMs();
      for (const session of this.#sessions) session.sweep(service.tickMs);
      this.#sweepSoon();
    });
  }

  /** Stops accepting, lets messages under way finish, ends the rest. */
  async drain(graceMs: number): Promise<void> {
    const { service } = this.#options;
    service.isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.drain();
    const cut = service.clock.setTimer(graceMs, () => {
      for (const session of this.#sessions) session.destroy();
    });
    await closed;
    cut.cancel();
    this.#sweepTimer?.cancel();
  }
}
