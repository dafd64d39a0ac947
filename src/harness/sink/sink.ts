/**
 * Listens, takes mail as fast as it comes or as its fault model says, counts it and writes it to
 * the ledger.
 *
 * Runs in:   sink process.
 * Limits:    no bound on connections: it must never be what limits the server under test.
 */

import { Buffer } from 'node:buffer';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { enterArrival } from '../ledger/arrival.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import { unstuff } from './data-reader.ts';
import type { FaultSource } from './fault-source.ts';
import { SinkConnection } from './sink-connection.ts';
import type { SinkMessage } from './sink-wire.ts';
import type { TlsStage } from './tls-stage.ts';

export interface SinkOptions {
  readonly listen: readonly HostPort[];
  /** Ports on which TLS comes first; they need `tls`. */
  readonly listenTls?: readonly HostPort[];
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  /** Asked for each connection. */
  readonly tls?: () => TlsStage | undefined;
  /** Offer STARTTLS; needs `tls`. */
  readonly starttls?: boolean;
  readonly auth?: boolean;
  readonly faults: FaultSource;
  readonly clock: Clock;
  readonly ledger: LedgerWriter | undefined;
  /** Runs after each message. */
  readonly onMessage?: (counts: SinkCounts) => void;
  /** Keeps each message, dots undone; when it throws, the message is not acknowledged. */
  readonly onArrival?: (arrival: SinkArrival) => void;
}

export interface SinkArrival {
  readonly message: SinkMessage;
  readonly bytes: Buffer;
  /** The listener it came through, as HOST:PORT. */
  readonly via: string;
  readonly client: string;
}

export interface SinkCounts {
  connections: number;
  connectionsOpen: number;
  connectionsOpenMax: number;
  /** Ended by the client without QUIT. */
  connectionsCut: number;
  /** Of those, the ones in the middle of a transaction. */
  connectionsCutBusy: number;
  messages: number;
  copies: number;
  bytes: number;
  /** Notices that a message of the ledger failed, and those that say anything else of one. */
  bounces: number;
  notices: number;
  /** Messages without a mark of the ledger, when there is one. */
  unmarked: number;
  /** Messages that could not be kept, as on a full disk; their clients were cut off. */
  unkept: number;
}

export class Sink {
  readonly counts: SinkCounts = {
    connections: 0,
    connectionsOpen: 0,
    connectionsOpenMax: 0,
    connectionsCut: 0,
    connectionsCutBusy: 0,
    messages: 0,
    copies: 0,
    bytes: 0,
    bounces: 0,
    notices: 0,
    unmarked: 0,
    unkept: 0,
  };
  readonly #options: SinkOptions;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<SinkConnection>();

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Listens on all addresses; answers those bound, with the ports the system chose. */
  async start(): Promise<readonly HostPort[]> {
    const bound: HostPort[] = [];
    const { listen, listenTls = [] } = this.#options;
    for (const address of listen) bound.push(await this.#listen(address, false));
    for (const address of listenTls) bound.push(await this.#listen(address, true));
    return bound;
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((done) => server.close(() => done()))),
    );
    this.#options.ledger?.close();
  }

  #listen(address: HostPort, isImplicit: boolean): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      let via = '';
      const server = createServer({ noDelay: true }, (socket) => {
        this.#accept(socket, via, isImplicit);
      });
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        const { port } = server.address() as AddressInfo;
        via = `${address.host}:${port}`;
        this.#servers.push(server);
        resolve({ host: address.host, port });
      });
    });
  }

  #accept(socket: Socket, via: string, isImplicit: boolean): void {
    const { counts } = this;
    const { starttls = false, auth = false } = this.#options;
    const { hostName, lmtp, chunking, clock } = this.#options;
    const tls = this.#options.tls?.();
    const client = socket.remoteAddress ?? '';
    counts.connections++;
    counts.connectionsOpen++;
    counts.connectionsOpenMax = Math.max(counts.connectionsOpenMax, counts.connectionsOpen);
    const connection = new SinkConnection(
      socket,
      this.#options.faults.visit(client),
      isImplicit,
      { hostName, lmtp, chunking, clock, tls, auth, starttls: starttls && !isImplicit },
      {
        arrived: (message) => {
          // What could not be kept is not acknowledged: the reply is still to leave.
          if (!this.#take(message, via, client)) connection.destroy();
        },
        closed: (isOrderly, isBusy) => {
          this.#connections.delete(connection);
          counts.connectionsOpen--;
          if (isOrderly) return;
          counts.connectionsCut++;
          if (isBusy) counts.connectionsCutBusy++;
        },
      },
    );
    this.#connections.add(connection);
  }

  /** False when the message could not be kept. */
  #take(message: SinkMessage, via: string, client: string): boolean {
    const { counts } = this;
    const { ledger, onArrival } = this.#options;
    const bytes =
      ledger === undefined && onArrival === undefined
        ? undefined
        : message.isStuffed
          ? unstuff(message.parts)
          : Buffer.concat(message.parts);
    if (bytes !== undefined) {
      try {
        onArrival?.({ message, bytes, via, client });
      } catch {
        counts.unkept++;
        return false;
      }
    }
    counts.messages++;
    counts.copies += message.recipients.length;
    for (const part of message.parts) counts.bytes += part.length;
    if (ledger !== undefined && bytes !== undefined) this.#enter(bytes, message, via, ledger);
    this.#options.onMessage?.(counts);
    return true;
  }

  #enter(bytes: Buffer, message: SinkMessage, via: string, ledger: LedgerWriter): void {
    const { sender, recipients } = message;
    countArrival(this.counts, enterArrival(bytes, { sender, recipients, via }, ledger));
  }
}

export function countArrival(counts: SinkCounts, what: ReturnType<typeof enterArrival>): void {
  if (what === 'unmarked') counts.unmarked++;
  else if (what === 'bounced') counts.bounces++;
  else if (what === 'noticed') counts.notices++;
}
