/** A milter on a socket of its own that tells its connections apart, and says what the test gives it. */

import { Buffer } from 'node:buffer';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { milterAgreed, milterPacket, milterPacketIn } from './scan-peer.ts';

/** `packet`: as `R <bob@here.test>`. Undefined: go on. "silent": nothing. */
export type MilterSays = (packet: string, connection: number) => Buffer | 'silent' | undefined;

export class MilterPeer implements AsyncDisposable {
  says: MilterSays = () => undefined;
  /** By connection; what is agreed on, macros and bodies left out, and fields but Subject. */
  readonly heard: string[][] = [];
  /** Of all that came, by connection: octets of bodies. */
  readonly bodyBytes: number[] = [];
  /** Names of macros, in the order they came. */
  readonly macros: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  static async start(): Promise<MilterPeer> {
    const peer = new MilterPeer();
    await new Promise<void>((resolve) => peer.#server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    const at = this.heard.push([]) - 1;
    this.bodyBytes.push(0);
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    let got: Buffer = Buffer.alloc(0);
    socket.on('data', (part) => {
      got = Buffer.concat([got, part]);
      for (let packet = milterPacketIn(got); packet !== undefined; packet = milterPacketIn(got)) {
        got = got.subarray(packet.read);
        this.#answer(socket, at, packet.command, packet.data);
      }
    });
  }

  #answer(socket: Socket, at: number, command: string, data: Buffer): void {
    const texts = data.toString('latin1').split('\0');
    if (command === 'O') {
      socket.write(milterAgreed);
      return;
    }
    if (command === 'D') {
      // Behind the letter of the step that they are for.
      const names = data.toString('latin1', 1).split('\0');
      this.macros.push(...names.filter((_, n) => n % 2 === 0));
      return;
    }
    const line = `${command} ${command === 'L' ? texts.slice(0, 2).join(': ') : texts[0]}`;
    if (command === 'B') this.bodyBytes[at]! += data.length;
    else if (command !== 'L' || texts[0] === 'Subject') this.heard[at]!.push(line.trim());
    if ('AQ'.includes(command)) return;
    const said = this.says(line.trim(), at) ?? milterPacket('c');
    if (said !== 'silent') socket.write(said);
  }
}
