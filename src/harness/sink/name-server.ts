/**
 * A small authoritative name server over UDP and TCP on one port, for domains right and wrong.
 *
 * Runs in:   sink.
 * Specs:     RFC 1035 §4 (messages), RFC 7766 (TCP), RFC 6891 (EDNS), RFC 6840 §5.8 (AD).
 * Limits:    `udpBytesMax` an answer over UDP (else the TC bit); `connectionsMax` over TCP, `idleMsMax` each;
 *            `delayedMax` answers wait at once. What is no question is not answered.
 */

import { Buffer } from 'node:buffer';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import * as packet from 'dns-packet';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';
import type { DnsZone, ZoneAnswer } from './dns-zone.ts';

const udpBytesMax = 1_232;
const connectionsMax = 256;
const delayedMax = 10_000;
const idleMsMax = 30 * secondMs;
const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

export class NameServer {
  readonly #zone: DnsZone;
  readonly #clock: Clock;
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;
  readonly #sockets = new Set<Socket>();
  #delayed = 0;
  /** Questions so far. */
  questions = 0;
  /** Of those, the ones no answer could be made for. */
  unanswered = 0;

  constructor(zone: DnsZone, clock: Clock, isIpv6: boolean) {
    this.#zone = zone;
    this.#clock = clock;
    this.#udp = createSocket(isIpv6 ? 'udp6' : 'udp4');
    this.#udp.on('message', (bytes, peer) => {
      this.#take(bytes, 'udp', (reply) => this.#udp.send(reply, peer.port, peer.address));
    });
    // A peer that is gone: its next question tells.
    this.#udp.on('error', () => {});
    this.#tcp = createServer((socket) => this.#accept(socket));
  }

  async start(address: HostPort): Promise<HostPort> {
    // The port TCP gets may be taken for UDP when the system chose it; it is asked for once only.
    const port = await new Promise<number>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(address.port, address.host, () => {
        resolve((this.#tcp.address() as { port: number }).port);
      });
    });
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(port, address.host, resolve);
    });
    return { host: address.host, port };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([
      new Promise<void>((done) => this.#udp.close(() => done())),
      new Promise<void>((done) => this.#tcp.close(() => done())),
    ]);
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.setTimeout(idleMsMax, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const question = received.subarray(2, end);
        received = received.subarray(end);
        this.#take(question, 'tcp', (reply) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(reply.length);
          if (!socket.destroyed) socket.write(Buffer.concat([length, reply]));
        });
      }
    });
  }

  #take(bytes: Buffer, way: 'udp' | 'tcp', send: (reply: Buffer) => void): void {
    this.#answer(bytes, way, send).catch(() => {
      // A question that cannot be answered, as one with a name that no reply holds, must not end the sink.
      this.unanswered++;
    });
  }

  async #answer(bytes: Buffer, way: 'udp' | 'tcp', send: (reply: Buffer) => void): Promise<void> {
    const query = decodeQuery(bytes);
    const question = query?.questions?.[0];
    if (query === undefined || question === undefined) return;
    this.questions++;
    const answer = await this.#zone.answer(question.name, question.type);
    if (answer.isSilent) return;
    const reply = encodeReply(query, question, answer, way);
    if (answer.delayMs === 0) {
      send(reply);
    } else if (this.#delayed < delayedMax) {
      this.#delayed++;
      this.#clock.setTimer(answer.delayMs, () => {
        this.#delayed--;
        send(reply);
      });
    }
  }
}

function decodeQuery(bytes: Buffer): packet.Packet | undefined {
  try {
    const query = packet.decode(bytes);
    return query.type === 'query' ? query : undefined;
  } catch {
    return undefined;
  }
}

function encodeReply(
  query: packet.Packet,
  question: packet.Question,
  answer: ZoneAnswer,
  way: 'udp' | 'tcp',
): Buffer {
  // It plays the resolver a client trusts as well as the owner of the zone: RA, and AD where the variant says so.
  let flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | rcodes[answer.rcode];
  if (!answer.isLame) flags |= packet.AUTHORITATIVE_ANSWER;
  if (answer.isSecure) flags |= packet.AUTHENTIC_DATA;
  const base: packet.Packet = { type: 'response', id: query.id ?? 0, questions: [question] };
  const truncated = () => packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE });
  if (answer.truncated === 'always' || (answer.truncated === 'udp' && way === 'udp')) {
    return truncated();
  }
  const { answers, authorities } = answer;
  const reply = packet.encode({
    ...{ ...base, flags },
    ...{ answers: [...answers], authorities: [...authorities] },
  });
  return way === 'udp' && reply.length > udpBytesMax ? truncated() : reply;
}
