/**
 * A next hop over TCP: takes mail as a script says, with every fault a server may have.
 *
 * Runs in: tests. It keeps what it took, so that a test can compare it with what was told to the sender.
 */

import { Buffer } from 'node:buffer';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TestCertificate } from './certificate.ts';

export interface NextHopOptions {
  readonly capabilities?: readonly string[];
  readonly certificate?: TestCertificate;
  /** A reply other than the usual; undefined: the usual. `final` stands for the end of a message. */
  readonly reply?: (command: string, connection: number) => string | undefined;
  /** The connection is reset when it has received this many bytes. */
  readonly dropAfterBytes?: (connection: number) => number;
  /** Every reply goes out in pieces of this size. */
  readonly pieceBytes?: number;
}

export interface TakenMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: string;
  readonly isEncrypted: boolean;
}

export class NextHop implements AsyncDisposable {
  readonly messages: TakenMessage[] = [];
  readonly commands: string[] = [];
  connections = 0;
  /** Addresses they came from, in order. */
  readonly peers: string[] = [];
  /** Connections reset by `dropAfterBytes`. */
  drops = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: NextHopOptions = {}) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      this.peers.push(socket.remoteAddress ?? '');
      socket.on('close', () => this.#sockets.delete(socket));
      new HopSession(this, options, socket, this.connections++);
    });
  }

  async start(): Promise<this> {
    const listening = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', listening.resolve);
    await listening.promise;
    this.port = (this.#server.address() as { port: number }).port;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

class HopSession {
  readonly #hop: NextHop;
  readonly #options: NextHopOptions;
  readonly #number: number;
  #socket: Socket;
  #received = Buffer.alloc(0);
  #receivedBytes = 0;
  #mode: 'commands' | 'data' | 'bdat' = 'commands';
  #bdatBytes = 0;
  #sender: string | undefined;
  #recipients: string[] = [];

  constructor(hop: NextHop, options: NextHopOptions, socket: Socket, number: number) {
    this.#hop = hop;
    this.#options = options;
    this.#number = number;
    this.#socket = socket;
    this.#listen(socket);
    this.#say('CONNECT', '220 hop.test ESMTP');
  }

  #listen(socket: Socket): void {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.#receivedBytes += bytes.length;
      const drop = this.#options.dropAfterBytes?.(this.#number) ?? Number.POSITIVE_INFINITY;
      if (this.#receivedBytes >= drop) {
        // What came before the drop counts: a message may be taken whose reply is never sent.
        bytes = bytes.subarray(0, bytes.length - (this.#receivedBytes - drop));
        this.#received = Buffer.concat([this.#received, bytes]);
        this.#read();
        this.#hop.drops++;
        this.#socket.destroy();
        return;
      }
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#read();
    });
  }

  #read(): void {
    for (;;) {
      if (this.#mode === 'bdat') {
        if (this.#received.length < this.#bdatBytes) return;
        this.#finish(this.#cut(this.#bdatBytes).toString('latin1'));
        continue;
      }
      const end = this.#received.indexOf(this.#mode === 'data' ? '\r\n.\r\n' : '\r\n');
      const isEmpty =
        this.#mode === 'data' && this.#received.subarray(0, 3).equals(Buffer.from('.\r\n'));
      if (isEmpty) {
        this.#cut(3);
        this.#finish('');
      } else if (end < 0) {
        return;
      } else if (this.#mode === 'data') {
        const content = this.#cut(end + 5)
          .subarray(0, -3)
          .toString('latin1');
        this.#finish(content.replace(/^\./gm, ''));
      } else {
        this.#command(
          this.#cut(end + 2)
            .subarray(0, -2)
            .toString('latin1'),
        );
      }
    }
  }

  #cut(bytes: number): Buffer {
    const piece = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return piece;
  }

  #command(line: string): void {
    this.#hop.commands.push(line);
    const [verb = '', argument = ''] = line.toUpperCase().split(' ');
    const path = /<(.*)>/.exec(line)?.[1] ?? '';
    switch (verb) {
      case 'EHLO': {
        const lines = ['hop.test', ...(this.#options.capabilities ?? [])];
        this.#say(
          line,
          lines.map((each, i) => `250${i < lines.length - 1 ? '-' : ' '}${each}`).join('\r\n'),
        );
        return;
      }
      case 'MAIL':
        if (
          this.#say(line, this.#sender === undefined ? '250 2.1.0 ok' : '503 5.5.1 nested MAIL')
        ) {
          this.#sender = path;
        }
        return;
      case 'RCPT':
        if (this.#say(line, this.#sender === undefined ? '503 5.5.1 MAIL first' : '250 2.1.5 ok')) {
          this.#recipients.push(path);
        }
        return;
      case 'DATA':
        if (this.#say(line, this.#recipients.length > 0 ? '354 go' : '503 5.5.1 RCPT first')) {
          this.#mode = 'data';
        }
        return;
      case 'BDAT':
        this.#mode = 'bdat';
        this.#bdatBytes = Number(argument);
        return;
      case 'STARTTLS':
        if (this.#say(line, '220 go')) this.#encrypt();
        return;
      case 'RSET':
        this.#reset();
        this.#say(line, '250 ok');
        return;
      case 'QUIT':
        this.#say(line, '221 bye');
        this.#socket.end();
        return;
      default:
        this.#say(line, '250 ok');
    }
  }

  #finish(content: string): void {
    this.#mode = 'commands';
    const sender = this.#sender ?? '';
    const recipients = this.#recipients;
    const isEncrypted = this.#socket instanceof TLSSocket;
    const isWanted = recipients.length > 0;
    this.#reset();
    // Kept before the reply goes out: the reply may never arrive.
    const isTaken = this.#usual('final', isWanted ? '250 2.0.0 taken' : '554 5.5.1 nobody');
    if (isTaken.startsWith('2')) {
      this.#hop.messages.push({ sender, recipients, content, isEncrypted });
    }
    this.#write(isTaken);
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
  }

  #usual(command: string, reply: string): string {
    return this.#options.reply?.(command, this.#number) ?? reply;
  }

  /** True when the reply is no refusal. */
  #say(command: string, usual: string): boolean {
    const reply = this.#usual(command, usual);
    this.#write(reply);
    return /^[23]/.test(reply);
  }

  #write(reply: string): void {
    const bytes = Buffer.from(`${reply}\r\n`, 'latin1');
    const step = this.#options.pieceBytes ?? bytes.length;
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; at += step) {
      this.#socket.write(bytes.subarray(at, at + step));
    }
  }

  #encrypt(): void {
    this.#socket.removeAllListeners('data');
    this.#socket = new TLSSocket(this.#socket, { isServer: true, ...this.#options.certificate });
    this.#received = Buffer.alloc(0);
    this.#reset();
    this.#listen(this.#socket);
  }
}
