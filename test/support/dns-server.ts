/**
 * A small name server over UDP and TCP on one free port, with the faults a resolver may have.
 *
 * Runs in: tests.
 */

import { Buffer } from 'node:buffer';
import type { Socket as DatagramSocket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { Answer, Packet, Question } from 'dns-packet';
import * as packet from 'dns-packet';

/** What to do with a question; records are answered as they are. */
export type DnsBehaviour =
  | {
      readonly answers: readonly Answer[];
      readonly authorities?: readonly Answer[];
      readonly secure?: boolean;
    }
  | {
      readonly rcode: 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
      readonly authorities?: readonly Answer[];
    }
  | { readonly fault: 'silent' | 'garbage' | 'truncated' | 'wrong-id' | 'wrong-question' };

const rcodes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;

const startsMax = 9;

/** Undefined: it is no question. It came late, for another server that had the port. */
function decoded(bytes: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(bytes);
  } catch {
    return undefined;
  }
}

export class DnsServer implements AsyncDisposable {
  /** As `MX example.org`, in the order they came. */
  readonly asked: string[] = [];
  /** Answers that go by TCP only. */
  readonly truncated = new Set<string>();
  port = 0;
  readonly #behaviour: (question: string) => DnsBehaviour;
  readonly #udp: DatagramSocket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #sockets = new Set<Socket>();

  /** `behaviour` is asked with `TYPE name`. */
  constructor(behaviour: (question: string) => DnsBehaviour) {
    this.#behaviour = behaviour;
    this.#udp.on('message', (bytes, peer) => {
      const reply = this.#reply(bytes, 'udp');
      if (reply !== undefined) this.#udp.send(reply, peer.port, peer.address);
    });
    this.#tcp = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('data', (bytes) => {
        const reply = this.#reply(bytes.subarray(2), 'tcp');
        if (reply === undefined) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        // In two writes: a client must not take the first for all of it.
        socket.write(Buffer.concat([length, reply.subarray(0, 5)]));
        socket.write(reply.subarray(5));
      });
    });
  }

  async start(): Promise<this> {
    // A port that is free for one protocol may be taken for the other, by a test beside this one.
    for (let tries = 0; ; tries++) {
      await new Promise<void>((resolve) => void this.#tcp.listen(0, '127.0.0.1', resolve));
      this.port = (this.#tcp.address() as AddressInfo).port;
      try {
        await this.#bind();
        return this;
      } catch (error) {
        if (tries === startsMax) throw error;
        await new Promise((resolve) => this.#tcp.close(resolve));
      }
    }
  }

  #bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(this.port, '127.0.0.1', () => {
        this.#udp.off('error', reject);
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#udp.close();
    this.#tcp.close();
  }

  #reply(bytes: Buffer, way: 'udp' | 'tcp'): Buffer | undefined {
    const query = decoded(bytes);
    const asked = query?.questions?.[0] as Question | undefined;
    if (query === undefined || asked === undefined) return undefined;
    const question = `${asked.type} ${asked.name}`;
    this.asked.push(question);
    const behaviour = this.#behaviour(question);
    const base: Packet = { type: 'response', id: query.id ?? 0, questions: [asked] };
    const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE;
    if ('fault' in behaviour) {
      if (behaviour.fault === 'silent') return undefined;
      if (behaviour.fault === 'truncated') {
        return packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE });
      }
      if (behaviour.fault === 'garbage') return Buffer.from(bytes.subarray(0, 14));
      return packet.encode({
        ...base,
        ...(behaviour.fault === 'wrong-id'
          ? { id: (query.id ?? 0) ^ 1 }
          : { questions: [{ type: asked.type, name: 'other.test' }] }),
        flags,
      });
    }
    if ('rcode' in behaviour) {
      const authorities = [...(behaviour.authorities ?? [])];
      return packet.encode({ ...base, flags: flags | rcodes[behaviour.rcode], authorities });
    }
    if (way === 'udp' && this.truncated.has(question)) {
      return packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE });
    }
    return packet.encode({
      ...base,
      flags: behaviour.secure === true ? flags | packet.AUTHENTIC_DATA : flags,
      answers: [...behaviour.answers],
      authorities: [...(behaviour.authorities ?? [])],
    });
  }
}
