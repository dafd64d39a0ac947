/**
 * Small proxies for tests: a SOCKS 5 server that connects, refuses or misbehaves as told, and a receiver of the PROXY
 * protocol's version 2 that connects where the header says.
 */

import { Buffer } from 'node:buffer';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Socks5Behaviour {
  /** Asked for and checked; absent: nobody has to log in. */
  readonly user?: string;
  readonly password?: string;
  /** Answered in place of a connection: RFC 1928 §6. */
  readonly reply?: number;
  /** Says nothing: to anybody, or once a target was asked for. */
  readonly isSilent?: 'always' | 'at-target';
  /** Bytes put directly behind the reply, in one write. */
  readonly early?: string;
  /** Bytes in place of the first answer. */
  readonly garbage?: string;
  /** Each byte of an answer comes by itself. */
  readonly isSlow?: boolean;
}

abstract class TestProxy {
  /** Targets asked for, as `ADDRESS:PORT`. */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.keep(socket);
      this.serve(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
    return this;
  }

  /** It takes no further connection, and ends those it has. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
  }

  protected abstract serve(socket: Socket): void;

  protected keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  protected join(client: Socket, address: string, port: number, onOpen?: () => void): void {
    const target = connect(port, address, () => {
      onOpen?.();
      client.pipe(target).pipe(client);
    });
    this.keep(target);
    target.on('error', () => client.destroy());
  }
}

export class Socks5Server extends TestProxy {
  readonly #how: Socks5Behaviour;

  constructor(how: Socks5Behaviour = {}) {
    super();
    this.#how = how;
  }

  protected serve(socket: Socket): void {
    const { isSilent, garbage, user } = this.#how;
    let step: 'methods' | 'password' | 'request' = 'methods';
    const onData = (bytes: Buffer) => {
      if (isSilent === 'always') return;
      if (garbage !== undefined) {
        socket.write(garbage);
      } else if (step === 'methods') {
        const methods = bytes.subarray(2, 2 + bytes[1]!);
        const wanted = user === undefined ? 0 : 2;
        step = wanted === 2 ? 'password' : 'request';
        this.#say(socket, Buffer.of(5, methods.includes(wanted) ? wanted : 0xff));
      } else if (step === 'password') {
        const isRight = bytes.equals(this.#login());
        step = 'request';
        this.#say(socket, Buffer.of(1, isRight ? 0 : 1));
      } else {
        socket.removeListener('data', onData);
        this.#onRequest(socket, bytes);
      }
    };
    socket.on('data', onData);
  }

  #login(): Buffer {
    const user = Buffer.from(this.#how.user ?? '');
    const password = Buffer.from(this.#how.password ?? '');
    return Buffer.concat([Buffer.of(1, user.length), user, Buffer.of(password.length), password]);
  }

  #onRequest(socket: Socket, bytes: Buffer): void {
    const { reply, isSilent, early } = this.#how;
    const length = bytes[3] === 4 ? 16 : 4;
    const address = ipaddr.fromByteArray([...bytes.subarray(4, 4 + length)]).toString();
    const port = bytes.readUInt16BE(4 + length);
    this.asked.push(`${address}:${port}`);
    if (isSilent === 'at-target') return;
    if (reply !== undefined) {
      this.#say(socket, Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
      return;
    }
    const bound = Buffer.of(5, 0, 0, 1, 192, 0, 2, 77, 0x12, 0x34);
    if (early !== undefined) {
      socket.write(Buffer.concat([bound, Buffer.from(early)]));
      return;
    }
    this.join(socket, address, port, () => this.#say(socket, bound));
  }

  #say(socket: Socket, bytes: Buffer): void {
    if (this.#how.isSlow !== true) socket.write(bytes);
    else for (const byte of bytes) socket.write(Buffer.of(byte));
  }
}

export class ProxyV2Receiver extends TestProxy {
  /** What headers said mail was to leave from. */
  readonly sources: string[] = [];

  protected serve(socket: Socket): void {
    socket.once('data', (bytes) => {
      const length = bytes.readUInt16BE(14);
      const addressLength = bytes[13] === 0x21 ? 16 : 4;
      const at = (from: number) =>
        ipaddr.fromByteArray([...bytes.subarray(from, from + addressLength)]).toString();
      const port = bytes.readUInt16BE(16 + 2 * addressLength + 2);
      this.sources.push(at(16));
      this.asked.push(`${at(16 + addressLength)}:${port}`);
      socket.pause();
      if (bytes.length > 16 + length) socket.unshift(bytes.subarray(16 + length));
      this.join(socket, at(16 + addressLength), port);
    });
  }
}
