/** What every way of `ports/dialer.ts` keeps, given one that reaches targets on 127.0.0.1. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { it } from 'node:test';
import type { Connection, Dialer, DialTarget } from '../../src/ports/dialer.ts';
import { DialError } from '../../src/ports/dialer.ts';

/** How targets are reached; what is to be ended with the test is the caller's. */
export interface DialWay {
  readonly dialer: Dialer;
  readonly by: Pick<DialTarget, 'proxy' | 'localAddress'>;
}

export async function withTarget(
  serve: (socket: Socket) => void,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Keeps what comes over a connection. */
export class Heard {
  text = '';
  closes = 0;
  readonly #waits: { readonly for: string; readonly resolve: () => void }[] = [];
  readonly closed = Promise.withResolvers<string | undefined>();

  onData(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
    for (const wait of this.#waits) if (this.text.includes(wait.for)) wait.resolve();
  }

  onDrain(): void {}

  onClose(fault?: DialError): void {
    this.closes++;
    this.closed.resolve(fault?.fault);
  }

  until(text: string): Promise<void> {
    if (this.text.includes(text)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waits.push({ for: text, resolve });
    });
  }
}

export async function faultOf(dialled: Promise<Connection>): Promise<string> {
  try {
    (await dialled).destroy();
    return 'connected';
  } catch (error) {
    return error instanceof DialError ? error.fault : String(error);
  }
}

export function dialerContract(open: () => Promise<DialWay & AsyncDisposable>): void {
  it('carries bytes both ways, in order', async () => {
    await using way = await open();
    await withTarget(
      (socket) => {
        socket.write('220 hello\r\n');
        socket.on('data', (bytes) => socket.write(`got ${bytes}`));
      },
      async (port) => {
        const heard = new Heard();
        const target = { address: '127.0.0.1', port, timeoutMs: 2_000, ...way.by };
        const connection = await way.dialer.dial(target, heard);
        await heard.until('220 hello');
        assert.equal(connection.remoteAddress, '127.0.0.1');
        connection.write([Buffer.from('EHLO '), Buffer.from('me\r\n')]);
        await heard.until('got EHLO me');
        assert.equal(heard.text, '220 hello\r\ngot EHLO me\r\n');
        connection.destroy();
      },
    );
  });

  it('says once that the target ended the connection', async () => {
    await using way = await open();
    await withTarget(
      (socket) => {
        socket.on('data', () => socket.end());
      },
      async (port) => {
        const heard = new Heard();
        const target = { address: '127.0.0.1', port, timeoutMs: 2_000, ...way.by };
        const connection = await way.dialer.dial(target, heard);
        connection.write([Buffer.from('QUIT\r\n')]);
        await heard.closed.promise;
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(heard.closes, 1);
      },
    );
  });

  it('dials no address that is forbidden, whatever the way', async () => {
    await using way = await open();
    const { createDialer } = await import('../../src/adapters/node/dialer.ts');
    const dialer = createDialer({ isForbidden: (address) => address === '127.0.0.1' });
    const target = { address: '127.0.0.1', port: 9, timeoutMs: 500, ...way.by };
    assert.equal(await faultOf(dialer.dial(target, new Heard())), 'forbidden');
  });
}
