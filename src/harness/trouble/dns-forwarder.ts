/**
 * Stands between a server and its resolver: passes questions on, late or not at all when it is told so.
 *
 * Runs in:   load generator, main thread.
 * Specs:     RFC 1035 §4.
 * Limits:    `openMax` questions under way, more are dropped; `answerMsMax` for each.
 * Invariant: while it is told nothing, an answer is the resolver's, byte for byte.
 */

import { Buffer } from 'node:buffer';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import * as packet from 'dns-packet';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import { DnsListener, type DnsResponse, type DnsWay, withLength } from '../sink/dns-listener.ts';
import { decodeQuery } from '../sink/name-server.ts';
import type { Outcome } from './outcome.ts';

const openMax = 1_000;
const answerMsMax = 10 * secondMs;
const servfail = 2;

export type DnsFault =
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'servfail' };

export class DnsForwarder {
  readonly #to: HostPort;
  readonly #clock: Clock;
  readonly #questionsMax: number;
  readonly #listener: DnsListener;
  /** The last one told is in force. */
  readonly #faults: DnsFault[] = [];
  /** Ends each question under way. */
  readonly #open = new Set<() => void>();

  constructor(to: HostPort, clock: Clock, isIpv6: boolean, questionsMax = openMax) {
    this.#to = to;
    this.#clock = clock;
    this.#questionsMax = questionsMax;
    this.#listener = new DnsListener((query, way) => this.#respond(query, way), clock, isIpv6);
  }

  async start(listen: HostPort): Promise<HostPort> {
    return await this.#listener.start(listen);
  }

  async stop(): Promise<void> {
    for (const giveUp of this.#open) giveUp();
    await this.#listener.stop();
  }

  apply(fault: DnsFault): Outcome {
    this.#faults.push(fault);
    return { isDone: true, undo: () => void this.#faults.splice(this.#faults.indexOf(fault), 1) };
  }

  async #respond(query: Buffer, way: DnsWay): Promise<DnsResponse | undefined> {
    const fault = this.#faults.at(-1);
    if (fault?.kind === 'drop') return undefined;
    if (fault?.kind === 'servfail') {
      const bytes = failure(query);
      return bytes === undefined ? undefined : { bytes, delayMs: 0 };
    }
    if (this.#open.size >= this.#questionsMax) return undefined;
    const bytes = await this.#ask(query, way);
    if (bytes === undefined) return undefined;
    return { bytes, delayMs: fault?.kind === 'delay' ? fault.delayMs : 0 };
  }

  async #ask(query: Buffer, way: DnsWay): Promise<Buffer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const giveUp = () => resolve(undefined);
    const timer = this.#clock.setTimer(answerMsMax, giveUp);
    this.#open.add(giveUp);
    const close = (way === 'udp' ? askUdp : askTcp)(query, this.#to, resolve);
    try {
      return await promise;
    } finally {
      timer.cancel();
      this.#open.delete(giveUp);
      close();
    }
  }
}

/** Answers how to end it; `done` may be called more than once. */
type Ask = (query: Buffer, to: HostPort, done: (answer?: Buffer) => void) => () => void;

/** A socket for each question: none gets what another asked for. */
const askUdp: Ask = (query, { host, port }, done) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let isClosed = false;
  socket.on('error', () => done());
  socket.on('message', (answer) => done(answer));
  socket.connect(port, host, () => {
    if (!isClosed) socket.send(query);
  });
  return () => {
    isClosed = true;
    socket.close();
  };
};

const askTcp: Ask = (query, to, done) => {
  const socket = connect({ ...to });
  let received = Buffer.alloc(0);
  socket.on('error', () => done());
  socket.on('close', () => done());
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    if (received.length < 2) return;
    const end = 2 + received.readUInt16BE(0);
    if (received.length >= end) done(received.subarray(2, end));
  });
  socket.write(withLength(query));
  return () => socket.destroy();
};

/** What cannot be read gets no answer. */
function failure(bytes: Buffer): Buffer | undefined {
  const query = decodeQuery(bytes);
  if (query === undefined) return undefined;
  return packet.encode({
    ...{ type: 'response', id: query.id ?? 0, questions: query.questions ?? [] },
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | servfail,
  });
}
