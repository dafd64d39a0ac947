/**
 * Aim:    mail leaves by its sources on a real server: from their addresses, through their proxies, within their plans;
 *         operators see them, stop them, and are told what waits for them.
 * Method: next hops and proxies on loopback, where every address of 127.0.0.0/8 is ours.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { Socks5Server } from '../support/egress-proxies.ts';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

async function sendMany(test: TestServer, count: number, domain = 'far.test'): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await sendSmall(test, `u${i}@${domain}`));
  return ids;
}

const taken = (hop: NextHop, count: number) =>
  eventually(`${count} messages`, () => (hop.messages.length >= count ? hop.messages : undefined));

it('mail leaves by weights from several addresses, under their names', async () => {
  await using hop = await new NextHop({}).start();
  await using test = await startTestServer({
    workers: '2',
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.sources': JSON.stringify({
      a: { ipv4: '127.0.0.21', helloName: 'a.here.test' },
      b: { ipv4: '127.0.0.22', helloName: 'b.here.test' },
    }),
  });
  await sendMany(test, 40);
  await taken(hop, 40);
  assert.deepEqual([...new Set(hop.peers)].sort(), ['127.0.0.21', '127.0.0.22']);
  assert.ok(hop.commands.includes('EHLO a.here.test'));
  assert.ok(hop.commands.includes('EHLO b.here.test'));

  await test.call('source.suspend', { name: 'a' });
  const before = hop.peers.length;
  await sendMany(test, 20, 'other.test');
  await taken(hop, 60);
  assert.ok(hop.peers.slice(before).every((peer) => peer === '127.0.0.22'));
  const { sources } = await test.call('source.list', {});
  assert.deepEqual(
    sources.map(({ name, state }) => `${name} ${state}`),
    ['a suspended', 'b active'],
  );
  await test.call('source.resume', { name: 'a' });
  await assert.rejects(test.call('source.suspend', { name: 'ghost' }), /not-found/);
});

it('a proxy that dies moves its mail to another source, and no mail is lost', async () => {
  await using hop = await new NextHop({}).start();
  const proxy = await new Socks5Server().start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.sources': JSON.stringify({
      far: { proxy: `socks5://127.0.0.1:${proxy.port}` },
      near: { ipv4: '127.0.0.23' },
    }),
  });
  await sendMany(test, 20);
  await taken(hop, 20);
  assert.ok(proxy.asked.length > 0);
  await proxy.stop();
  await sendMany(test, 20, 'more.test');
  await taken(hop, 40);
  const far = await eventually('the proxy to be down', async () => {
    const { sources } = await test.call('source.list', {});
    return sources.find(({ state }) => state === 'down');
  });
  assert.equal(far.name, 'far');
  assert.match(far.downReason!, /proxy 127\.0\.0\.1/);
  const { sites } = await test.call('queue.explain', { of: 'more.test' });
  assert.ok(sites.every(({ downUntilMs }) => downUntilMs === 0));
});

it('a new source sends its day’s plan and no more, over a restart too; the rest says what it waits for', async () => {
  await using hop = await new NextHop({}).start();
  const settings = {
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.sources': JSON.stringify({ new: { ipv4: '127.0.0.24', warmup: true } }),
    'relay.warmupPlan': '10,20',
  };
  await using first = await startTestServer(settings);
  const ids = await sendMany(first, 12);
  await taken(hop, 10);
  const held = await eventually('two that wait', async () => {
    const { entries } = await first.call('queue.list', { limit: 100 });
    return entries.length === 2 &&
      entries.every(({ recipients }) => recipients[0]!.lastReply !== '')
      ? entries
      : undefined;
  });
  assert.ok(held.every(({ id }) => ids.includes(id)));
  const { message } = await first.call('queue.explain', { of: held[0]!.id });
  const [recipient] = message!.recipients;
  assert.equal(recipient!.reason, 'warm-up');
  assert.equal(recipient!.setting, 'relay.warmupPlan');
  assert.equal(recipient!.attemptCount, 0);
  assert.equal(recipient!.why, 'rate');
  const { sources } = await first.call('source.list', {});
  assert.deepEqual(sources[0]!.warmup, { day: 1, days: 2 });
  assert.deepEqual(
    sources[0]!.today.map(({ count, plan }) => [count, plan]),
    [[10, 10]],
  );
  await first.stop();

  await using second = await startTestServer(settings, { folder: first.folder });
  const id = await sendSmall(second, 'late@far.test');
  await eventually('it to wait', async () => {
    const { message: late } = await second.call('queue.explain', { of: id });
    return late?.recipients[0]?.reason === 'warm-up' ? true : undefined;
  });
  assert.equal(hop.messages.length, 10);
});

it('a message leaves by the pool it asks for, where its tenant may; its events say by what it left', async () => {
  await using hop = await new NextHop({}).start();
  await using test = await startTestServer({
    'relay.route': `smtp://127.0.0.1:${hop.port}`,
    'relay.sources': JSON.stringify({ a: { ipv4: '127.0.0.25' }, b: { ipv4: '127.0.0.26' } }),
    'relay.pools': JSON.stringify({
      usual: { sources: { a: 1 } },
      bulk: { sources: { b: 1 }, tenants: ['default'] },
      closed: { sources: { b: 1 } },
    }),
    'relay.pool': 'usual',
  });
  const ask = async (pool: string, to: string) => {
    const call = {
      by: askedHere,
      body: Buffer.from(`X-Chaski-Pool: ${pool}\r\nSubject: x\r\n\r\nx\r\n`),
      signal: new AbortController().signal,
      emit: async () => {},
    };
    const params = { sender: 'ann@here.test', recipients: [to] };
    await test.server.handlers['message.send']!(params, call);
  };
  await ask('bulk', 'one@far.test');
  await taken(hop, 1);
  await ask('closed', 'two@far.test');
  await taken(hop, 2);
  assert.deepEqual(hop.peers, ['127.0.0.26', '127.0.0.25']);
  assert.ok(hop.messages.every(({ content }) => !/x-chaski-pool/i.test(content)));
  const delivered = await eventually('both events', async () => {
    const { events } = await test.call('events', { after: 'start', limit: 100 });
    const found = events.filter(({ kind }) => kind === 'delivered');
    return found.length === 2 ? found : undefined;
  });
  assert.deepEqual(delivered.map(({ source, egress }) => `${source} ${egress}`).sort(), [
    'a 127.0.0.25',
    'b 127.0.0.26',
  ]);
});
