/** Aim: real sockets keep the dialer's contract, straight and through each kind of proxy, and tell whose fault it is. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDialer } from '../../src/adapters/node/dialer.ts';
import type { DialTarget, EgressProxy } from '../../src/ports/dialer.ts';
import { ProxyV2Receiver, type Socks5Behaviour, Socks5Server } from '../support/egress-proxies.ts';
import { dialerContract, faultOf, Heard, withTarget } from './dialer.ts';

const dialer = createDialer();

function proxyAt(kind: EgressProxy['kind'], port: number, rest: Partial<EgressProxy> = {}) {
  return { kind, address: '127.0.0.1', port, ...rest } satisfies EgressProxy;
}

describe('straight to the target', () => {
  dialerContract(async () => ({ dialer, by: {}, async [Symbol.asyncDispose]() {} }));

  it('leaves from the address that was given', async () => {
    await withTarget(
      () => {},
      async (port) => {
        const from = { address: '127.0.0.1', port, localAddress: '127.0.0.42', timeoutMs: 500 };
        const connection = await dialer.dial(from, new Heard());
        assert.equal(connection.localAddress, '127.0.0.42');
        connection.destroy();
      },
    );
  });

  it('an address that is not ours is the fault of the source, not of the target', async () => {
    const target = { address: '127.0.0.1', port: 9, localAddress: '192.0.2.9', timeoutMs: 500 };
    assert.equal(await faultOf(dialer.dial(target, new Heard())), 'source');
  });
});

describe('through SOCKS 5', () => {
  dialerContract(async () => {
    const server = await new Socks5Server().start();
    const by = { proxy: proxyAt('socks5', server.port) };
    return { dialer, by, [Symbol.asyncDispose]: () => server.stop() };
  });

  const through = async (
    how: Socks5Behaviour,
    change: Partial<DialTarget> = {},
    credentials?: { readonly user: string; readonly password: string },
  ): Promise<string> => {
    await using server = await new Socks5Server(how).start();
    const proxy = proxyAt('socks5', server.port, credentials && { credentials });
    const target = { address: '127.0.0.1', port: 9, timeoutMs: 500, proxy, ...change };
    return await faultOf(dialer.dial(target, new Heard()));
  };

  // RFC 1928 §4 and §6.
  it('asks for the address and port, of either family, and tells what it leaves from', async () => {
    await withTarget(
      () => {},
      async (port) => {
        await using server = await new Socks5Server({ isSlow: true }).start();
        const proxy = proxyAt('socks5', server.port);
        const target = { address: '127.0.0.1', port, timeoutMs: 500, proxy };
        const connection = await dialer.dial(target, new Heard());
        assert.equal(connection.localAddress, '192.0.2.77');
        assert.deepEqual(server.asked, [`127.0.0.1:${port}`]);
        connection.destroy();
      },
    );
    await using server = await new Socks5Server({ reply: 4 }).start();
    const proxy = proxyAt('socks5', server.port);
    const target = { address: '2001:db8::7', port: 25, timeoutMs: 500, proxy };
    assert.equal(await faultOf(dialer.dial(target, new Heard())), 'unreachable');
    assert.deepEqual(server.asked, ['2001:db8::7:25']);
  });

  // RFC 1929 §2.
  it('logs in where it must', async () => {
    const user = { user: 'ann', password: 'secret' };
    assert.equal(await through({ ...user, reply: 5 }, {}, user), 'refused');
    assert.equal(await through({ ...user, reply: 5 }, {}, { ...user, password: 'x' }), 'source');
    assert.equal(await through(user), 'source');
    assert.equal(await through({ reply: 5 }, {}, user), 'refused');
  });

  // RFC 1928 §6.
  it('tells failures of the target from those of the proxy', async () => {
    const faults: string[] = [];
    for (const reply of [1, 2, 3, 4, 5, 6, 7, 8, 99]) faults.push(await through({ reply }));
    assert.deepEqual(faults, [
      ...['source', 'source', 'unreachable', 'unreachable', 'refused', 'unreachable'],
      ...['source', 'source', 'source'],
    ]);
  });

  it('a proxy that is silent, dead or speaks otherwise is at fault; a target that is silent is', async () => {
    assert.equal(await through({ isSilent: 'always' }, { timeoutMs: 50 }), 'source');
    assert.equal(await through({ isSilent: 'at-target' }, { timeoutMs: 50 }), 'timed-out');
    assert.equal(await through({ garbage: 'HTTP/1.1 400 Bad\r\n' }), 'source');
    assert.equal(await through({ garbage: 'HT' }), 'source');
    const gone = await new Socks5Server().start();
    const proxy = proxyAt('socks5', gone.port);
    await gone.stop();
    const target = { address: '127.0.0.1', port: 9, timeoutMs: 500, proxy };
    assert.equal(await faultOf(dialer.dial(target, new Heard())), 'source');
  });

  it('loses nothing of what comes with the last word of the proxy', async () => {
    await using server = await new Socks5Server({ early: '220 early\r\n' }).start();
    const heard = new Heard();
    const proxy = proxyAt('socks5', server.port);
    const target = { address: '127.0.0.1', port: 9, timeoutMs: 500, proxy };
    const connection = await dialer.dial(target, heard);
    await heard.until('220 early');
    connection.destroy();
  });
});

describe('through a proxy that takes the PROXY protocol', () => {
  dialerContract(async () => {
    const receiver = await new ProxyV2Receiver().start();
    const by = { proxy: proxyAt('proxy-v2', receiver.port), localAddress: '192.0.2.9' };
    return { dialer, by, [Symbol.asyncDispose]: () => receiver.stop() };
  });

  it('says from where and to where', async () => {
    await withTarget(
      (socket) => void socket.write('220 hello\r\n'),
      async (port) => {
        await using receiver = await new ProxyV2Receiver().start();
        const heard = new Heard();
        const proxy = proxyAt('proxy-v2', receiver.port);
        const from = { localAddress: '192.0.2.9', proxy };
        const connection = await dialer.dial(
          { address: '127.0.0.1', port, timeoutMs: 500, ...from },
          heard,
        );
        await heard.until('220');
        assert.equal(connection.localAddress, '192.0.2.9');
        assert.deepEqual(receiver.sources, ['192.0.2.9']);
        assert.deepEqual(receiver.asked, [`127.0.0.1:${port}`]);
        connection.destroy();
      },
    );
  });

  it('a proxy that is not there is the fault of the source', async () => {
    const gone = await new ProxyV2Receiver().start();
    const proxy = proxyAt('proxy-v2', gone.port);
    await gone.stop();
    const target = { address: '127.0.0.1', port: 9, timeoutMs: 500, localAddress: '192.0.2.9' };
    assert.equal(await faultOf(dialer.dial({ ...target, proxy }, new Heard())), 'source');
  });
});
