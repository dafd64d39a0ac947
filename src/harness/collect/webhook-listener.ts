/**
 * Listens for a server's webhooks and enters what they tell of messages.
 *
 * Runs in:   ledger.
 * Limits:    `bodyBytesMax` a request (413), `connectionsMax` connections, `requestMsMax` for a request to come.
 * Invariant: a request is answered with 200 only when what it says is written; what cannot be read is refused with 400,
 *            and nothing of it is entered.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { kibibyte, mebibyte, secondMs } from '../../base/units.ts';
import type { HostPort } from '../addresses.ts';
import { ledgerNowMs } from '../ledger/entries.ts';
import type { LedgerWriter } from '../ledger/ledger-writer.ts';
import { type EventMap, type ReadEvent, type ReadRequest, readEvents } from './event-map.ts';

const bodyBytesMax = mebibyte;
const headerBytesMax = 16 * kibibyte;
const connectionsMax = 256;
const requestMsMax = 30 * secondMs;

export interface WebhookCounts {
  requests: number;
  /** Requests that could not be read. */
  refused: number;
  events: number;
  passedOver: number;
  unmarked: number;
}

export class WebhookListener {
  readonly counts: WebhookCounts = {
    ...{ requests: 0, refused: 0, events: 0, passedOver: 0, unmarked: 0 },
  };
  readonly #map: EventMap;
  readonly #ledger: LedgerWriter;
  readonly #server: Server;

  constructor(map: EventMap, ledger: LedgerWriter) {
    this.#map = map;
    this.#ledger = ledger;
    this.#server = createServer(
      { maxHeaderSize: headerBytesMax, requestTimeout: requestMsMax, headersTimeout: requestMsMax },
      (request, response) => this.#take(request, response),
    );
    this.#server.maxConnections = connectionsMax;
  }

  start({ host, port }: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        resolve({ host, port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    this.#server.closeAllConnections();
    await closed;
    this.#ledger.close();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.counts.requests++;
    // Who is cut off says no more.
    request.on('error', () => {});
    if (request.method !== 'POST') {
      this.#refuse(response, 405, 'events come by POST');
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else if (!response.headersSent) {
        response.setHeader('connection', 'close');
        this.#refuse(response, 413, `a request has at most ${bodyBytesMax} bytes`);
      }
    });
    request.on('end', () => {
      if (!response.headersSent) this.#enter(Buffer.concat(chunks).toString('utf8'), response);
    });
  }

  #enter(body: string, response: ServerResponse): void {
    const { counts } = this;
    let request: ReadRequest;
    try {
      request = readEvents(body, this.#map);
    } catch (error) {
      this.#refuse(response, 400, (error as Error).message);
      return;
    }
    const { events, passedOver, unmarked } = request;
    try {
      this.#write(events);
    } catch (error) {
      // Asked again later, it may fit.
      this.#refuse(response, 503, (error as Error).message);
      return;
    }
    counts.events += events.length;
    counts.passedOver += passedOver;
    counts.unmarked += unmarked;
    answer(response, 200, { taken: events.length, passedOver, unmarked });
  }

  #write(events: readonly ReadEvent[]): void {
    for (const { id, to, event, atMs = ledgerNowMs() } of events) {
      this.#ledger.append('reported', { id, to, event, by: 'webhook', atMs });
    }
    this.#ledger.flush();
  }

  #refuse(response: ServerResponse, status: number, fault: string): void {
    this.counts.refused++;
    answer(response, status, { fault });
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${JSON.stringify(body)}\n`);
}
