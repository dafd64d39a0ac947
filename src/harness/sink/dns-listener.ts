/**
 * The sockets of a name server: UDP and TCP on one port; what to answer is another's.
 *
 * Runs in:   sink, load generator.
 * Specs:     RFC 1035 §4.2 (transport), RFC 7766 (TCP).
 * Limits:    `connectionsMax` over TCP, `idleMsMax` each; `delayedMax` answers wait at once.
 */

import { Buffer } from 'node:buffer';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostPort } from '../addresses.ts';

const connectionsMax = 256;
const delayedMax = 10_000;
const idleMsMax = 30 * secondMs;

export type DnsWay = 'udp' | 'tcp';

export interface DnsResponse {
  readonly bytes: Buffer;
  readonly delayMs: number;
}

/** Undefined: silence. It must not reject. */
export type DnsResponder = (query: Buffer, way: DnsWay) => Promise<DnsResponse | undefined>;

export class DnsListener {
  readonly #respond: DnsResponder;
  readonly #clock: Clock;
  readonly #udp: DatagramSocket;
  readonly #tcp: Server;
  readonly #sockets = new Set<Socket>();
  #delayed = 0;
  #isStopped = false;

  constructor(respond: DnsResponder, clock: Clock, isIpv6: boolean) {
    this.#respond = respond;
    this.#clock = clock;
    this.#udp = createSocket(isIpv6 ? 'udp6' : 'udp4');
    this.#udp.on('message', (bytes, peer) => {
      void this.#take(bytes, 'udp', (reply) => {
        this.#udp.send(reply, peer.port, peer.address);
      });
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

  /** Also where `start` failed half-way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
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
        void this.#take(question, 'tcp', (reply) => {
          if (!socket.destroyed) socket.write(withLength(reply));
        });
      }
    });
  }

  async #take(query: Buffer, way: DnsWay, send: (reply: Buffer) => void): Promise<void> {
    const response = await this.#respond(query, way);
    if (response === undefined || this.#isStopped) return;
    const { bytes, delayMs } = response;
    if (delayMs === 0) {
      send(bytes);
    } else if (this.#delayed < delayedMax) {
      this.#delayed++;
      this.#clock.setTimer(delayMs, () => {
        this.#delayed--;
        if (!this.#isStopped) send(bytes);
      });
    }
  }
}

/** As a message travels over TCP (RFC 1035 §4.2.2). */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
