/**
 * Listens, takes mail as fast as it comes or as its fault model says, counts it and writes it to
 * the ledger.
 *
 * Runs in:   sink process.
 * Specs:     RFC 3464 §2.3.2 (Final-Recipient, read from bounces).
 * Limits:    no bound on connections: it must never be what limits the server under test.
 */

import { Buffer } from 'node:buffer';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { ledgerNowMs } from '../ledger/entries.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import { bodyHash, bodyStart, findMark } from '../ledger/mark.ts';
import { unstuff } from './data-reader.ts';
import type { FaultSource } from './models.ts';
import { type SinkMessage, SinkSession } from './sink-session.ts';

export interface SinkOptions {
  readonly listen: readonly HostPort[];
  readonly hostName: string;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  readonly faults: FaultSource;
  readonly clock: Clock;
  readonly ledger: LedgerWriter | undefined;
  /** Runs after each message. */
  readonly onMessage?: (counts: SinkCounts) => void;
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
  bounces: number;
  /** Messages without a mark of the ledger, when there is one. */
  unmarked: number;
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
    unmarked: 0,
  };
  readonly #options: SinkOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Listens on all addresses; answers those bound, with the ports the system chose. */
  async start(): Promise<readonly HostPort[]> {
    const bound: HostPort[] = [];
    for (const address of this.#options.listen) bound.push(await this.#listen(address));
    return bound;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((done) => server.close(() => done()))),
    );
    this.#options.ledger?.close();
  }

  #listen(address: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, via));
      let via = '';
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        const { port } = server.address() as AddressInfo;
        via = `${address.host}:${port}`;
        this.#servers.push(server);
        resolve({ host: address.host, port });
      });
    });
  }

  #accept(socket: Socket, via: string): void {
    const { counts } = this;
    counts.connections++;
    counts.connectionsOpen++;
    counts.connectionsOpenMax = Math.max(counts.connectionsOpenMax, counts.connectionsOpen);
    this.#sockets.add(socket);
    const session = new SinkSession(
      {
        send: (text) => socket.write(text, 'latin1'),
        end: () => socket.end(),
        reset: () => socket.resetAndDestroy(),
        later: (delayMs, run) => {
          this.#options.clock.setTimer(delayMs, run);
        },
        arrived: (message) => this.#take(message, via),
      },
      this.#options,
    );
    socket.on('data', (chunk: Buffer) => session.receive(chunk));
    // A reset tells nothing that 'close' does not.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      counts.connectionsOpen--;
      if (session.isOrderly) return;
      counts.connectionsCut++;
      if (session.isBusy) counts.connectionsCutBusy++;
    });
  }

  #take(message: SinkMessage, via: string): void {
    const { counts } = this;
    counts.messages++;
    counts.copies += message.recipients.length;
    for (const part of message.parts) counts.bytes += part.length;
    if (this.#options.ledger !== undefined) this.#enter(message, via, this.#options.ledger);
    this.#options.onMessage?.(counts);
  }

  #enter(message: SinkMessage, via: string, ledger: LedgerWriter): void {
    const bytes = message.isStuffed ? unstuff(message.parts) : Buffer.concat(message.parts);
    const body = bodyStart(bytes);
    const mark = findMark(bytes.subarray(0, body));
    const atMs = ledgerNowMs();
    if (mark !== undefined) {
      const sha256 = bodyHash(bytes.subarray(body));
      ledger.append('arrived', { id: mark.id, sha256, to: message.recipients, via, atMs });
      return;
    }
    // A null sender and a mark deeper down: a bounce that carries the header of what failed.
    const returned = message.sender === '' ? findMark(bytes, body) : undefined;
    if (returned === undefined) {
      this.counts.unmarked++;
      return;
    }
    this.counts.bounces++;
    ledger.append('bounced', { id: returned.id, to: failedRecipients(bytes), atMs });
  }
}

/** The final recipients a delivery status notification names. */
function failedRecipients(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1');
  return Array.from(text.matchAll(/^Final-Recipient: *rfc822; *(\S+)/gim), (match) => match[1]!);
}
