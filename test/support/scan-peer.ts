/**
 * Plays a scanner on a socket of its own: clamd, spamd, rspamd, a hook or a milter, honest or hostile.
 *
 * A message with `badMark` in it is what the scanner is there to find.
 */

import { Buffer } from 'node:buffer';
import { createServer, type Server, type Socket } from 'node:net';
import type { PeerKind } from '../../src/settings/scanners.ts';

export const badMark = 'x-find-me-x';

/** `half`: a part of an answer, then the end. `drip`: a byte now and then, for ever. */
export type Play = 'honest' | 'silent' | 'closing' | 'garbage' | 'endless' | 'half' | 'drip';

/** Takes what came so far and says what to answer and how much of it was read; undefined: more has to come. */
export type Speak = (
  got: Buffer,
) => { readonly answer: Buffer | string; readonly read: number } | undefined;

export class ScanPeer {
  play: Play = 'honest';
  speak: Speak;
  /** What came, by connection. */
  readonly heard: Buffer[] = [];
  connectionsMost = 0;
  readonly #kind: PeerKind;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(kind: PeerKind) {
    this.#kind = kind;
    this.speak = speakers[kind];
    this.#server = createServer((socket) => this.#onSocket(socket));
  }

  static async start(kind: PeerKind, at: { path?: string } = {}): Promise<ScanPeer> {
    const peer = new ScanPeer(kind);
    const { path } = at;
    await new Promise<void>((done) => {
      if (path === undefined) peer.#server.listen(0, '127.0.0.1', done);
      else peer.#server.listen(path, done);
    });
    return peer;
  }

  get address(): string {
    const at = this.#server.address();
    if (typeof at === 'string') return `unix:${at}`;
    return this.#kind === 'http' ? `http://127.0.0.1:${at!.port}/hook` : `127.0.0.1:${at!.port}`;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    this.connectionsMost = Math.max(this.connectionsMost, this.#sockets.size);
    const at = this.heard.push(Buffer.alloc(0)) - 1;
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.play === 'closing') {
      socket.destroy();
      return;
    }
    let got: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      this.heard[at] = Buffer.concat([this.heard[at]!, bytes]);
      if (this.play === 'honest') {
        got = this.#answer(socket, Buffer.concat([got, bytes]));
      } else this.#misbehave(socket);
    });
  }

  #answer(socket: Socket, got: Buffer): Buffer {
    let rest = got;
    for (;;) {
      const said = this.speak(rest);
      if (said === undefined) return rest;
      socket.write(said.answer);
      rest = rest.subarray(said.read);
      // These take one question a connection.
      if (this.#kind === 'spamd' || this.#kind === 'clamd') socket.end();
    }
  }

  #misbehave(socket: Socket): void {
    socket.removeAllListeners('data').resume();
    const begun = halves[this.#kind];
    switch (this.play) {
      case 'garbage':
        socket.end('\u00ff\u00fe no sense \0\r\n\r\n at all \0');
        return;
      case 'half':
        socket.end(begun);
        return;
      case 'endless': {
        socket.write(begun);
        const flood = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536, 'a')));
        };
        socket.on('drain', flood);
        flood();
        return;
      }
      case 'drip': {
        let next = 0;
        const timer = setInterval(() => socket.write(begun.subarray(next, ++next)), 15);
        socket.on('close', () => clearInterval(timer));
      }
    }
  }
}

const halves: Readonly<Record<PeerKind, Buffer>> = {
  clamd: Buffer.from('stream: Some.Vir'),
  spamd: Buffer.from(
    'SPAMD/1.1 0 EX_OK\r\nContent-length: 90000\r\nSpam: True ; 9.0 / 5.0\r\n\r\nAA,B',
  ),
  rspamd: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n{"action": "rej'),
  http: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n{"action": "rej'),
  milter: Buffer.from([0, 0xf, 0xff, 0xff, 0x4f, 0, 0, 0]),
};

function isBad(got: Buffer): boolean {
  return got.includes(badMark);
}

const clamd: Speak = (got) => {
  const end = got.indexOf(0);
  if (end < 0) return undefined;
  const command = got.toString('latin1', 0, end);
  const one = (answer: string) => ({ answer: `${answer}\0`, read: got.length });
  if (command === 'zPING') return one('PONG');
  if (command === 'zVERSION') return one('ClamAV 1.0/1/some day');
  for (let at = end + 1; at + 4 <= got.length; ) {
    const length = got.readUInt32BE(at);
    at += 4 + length;
    if (length === 0) return one(isBad(got) ? 'stream: Test.Virus FOUND' : 'stream: OK');
  }
  return undefined;
};

/** Head and body of a request, once they are there. */
function requestIn(got: Buffer): { head: string; body: Buffer; read: number } | undefined {
  const headEnd = got.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = got.toString('latin1', 0, headEnd);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const read = headEnd + 4 + length;
  return got.length < read ? undefined : { head, body: got.subarray(headEnd + 4, read), read };
}

const spamd: Speak = (got) => {
  const request = requestIn(got);
  if (request === undefined) return undefined;
  const { read, head, body } = request;
  if (head.startsWith('PING')) return { answer: 'SPAMD/1.5 0 PONG\r\n', read };
  const said = isBad(body) ? 'True ; 12.5 / 5.0' : 'False ; -0.1 / 5.0';
  const rules = isBad(body) ? 'GTUBE,MISSING_DATE' : 'ALL_TRUSTED';
  const length = `Content-length: ${rules.length}`;
  return { answer: `SPAMD/1.1 0 EX_OK\r\n${length}\r\nSpam: ${said}\r\n\r\n${rules}`, read };
};

export function httpAnswer(body: string | object, status = '200 OK'): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

const rspamd: Speak = (got) => {
  const request = requestIn(got);
  if (request === undefined) return undefined;
  const { read, head, body } = request;
  if (head.startsWith('GET /ping')) return { answer: httpAnswer('pong\r\n'), read };
  const bad = {
    ...{ score: 12.5, required_score: 5, action: 'add header' },
    symbols: { GTUBE: { name: 'GTUBE', score: 12.5 } },
    milter: { add_headers: { 'X-Seen': { value: 'yes', order: 0 } } },
  };
  const good = { score: -0.1, required_score: 5, action: 'no action', symbols: {} };
  return { answer: httpAnswer(isBad(body) ? bad : good), read };
};

const hook: Speak = (got) => {
  const request = requestIn(got);
  if (request === undefined) return undefined;
  const { message = '' } = JSON.parse(request.body.toString()) as { message?: string };
  const bad = { action: 'reject', text: 'Not here' };
  const isFound = isBad(Buffer.from(message, 'base64'));
  return { answer: httpAnswer(isFound ? bad : { action: 'accept' }), read: request.read };
};

export function milterPacket(command: string, data: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(data as string, 'latin1');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1);
  head.write(command, 4, 'latin1');
  return Buffer.concat([head, bytes]);
}

/** Agrees on all changes and leaves out no step. */
export const milterAgreed = milterPacket('O', Buffer.from([0, 0, 0, 6, 0, 0, 0, 0xff, 0, 0, 0, 0]));

/** The next packet in `got`. */
export function milterPacketIn(
  got: Buffer,
): { command: string; data: Buffer; read: number } | undefined {
  if (got.length < 5) return undefined;
  const read = 4 + got.readUInt32BE(0);
  if (got.length < read) return undefined;
  return { command: got.toString('latin1', 4, 5), data: got.subarray(5, read), read };
}

/** Decides by the header alone, so that it needs to remember nothing. */
const milter: Speak = (got) => {
  const packet = milterPacketIn(got);
  if (packet === undefined) return undefined;
  const { command, data, read } = packet;
  if (command === 'O') return { answer: milterAgreed, read };
  if ('DAQK'.includes(command)) return { answer: '', read };
  const isFound = (command === 'L' || command === 'B') && isBad(data);
  return { answer: isFound ? milterPacket('y', '550 5.7.1 Not here\0') : milterPacket('c'), read };
};

export const speakers: Readonly<Record<PeerKind, Speak>> = {
  ...{ clamd, spamd, rspamd, milter },
  http: hook,
};
