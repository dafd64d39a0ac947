/**
 * Aim: mail of a client that may relay is of the tenant its sender's domain belongs to, and `X-Chaski-Campaign` says
 * what it is part of; a stranger's sender says nothing. Method: the real server, sources on loopback, a next hop.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createTransport } from 'nodemailer';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/test-server.ts';

const feedback = {
  'feedback.bounceDomain': 'bounces.test',
  'feedback.unsubscribeUrl': 'https://127.0.0.1',
  'feedback.unsubscribeStreams': 'acme/newsletter',
};
const egress = {
  'relay.sources': JSON.stringify({
    usual: { ipv4: '127.0.0.21', helloName: 'usual.here.test' },
    bulk: { ipv4: '127.0.0.22', helloName: 'bulk.here.test' },
  }),
  'relay.pools': JSON.stringify({
    usual: { sources: { usual: 1 } },
    bulk: { sources: { bulk: 1 } },
  }),
  'relay.pool': 'usual',
  'relay.poolRules': JSON.stringify([{ tenant: 'acme', campaign: 'newsletter', pool: 'bulk' }]),
};

interface Given {
  readonly from: string;
  readonly to?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

async function handIn({ test }: ApiWorld, given: Given): Promise<string> {
  const { from, to = 'ann@far.test', headers = {}, text = 'x' } = given;
  const options = { host: '127.0.0.1', port: test.ports.smtp!, ignoreTLS: true };
  const transport = createTransport(options);
  const { response } = await transport.sendMail({ from, to, text, headers: { ...headers } });
  transport.close();
  return /queued as (\w+)/.exec(response)![1]!;
}

async function eventOf({ test }: ApiWorld, kind: string, id: string) {
  return await eventually(`${kind} of ${id}`, async () => {
    const { events } = await test.call('events', { after: 'start', limit: 1_000 });
    return events.find(({ message, ...event }) => message === id && event.kind === kind);
  });
}

async function tenantNumber({ test }: ApiWorld, name: string): Promise<number> {
  const { tenants } = await test.call('tenant.list', {});
  return tenants.find((each) => each.name === name)!.id;
}

it('goes by the pool of its tenant and campaign, with the fields of its stream', async () => {
  await using world = await startApiWorld({ ...feedback, ...egress });
  const { hop } = world;
  const headers = { 'X-Chaski-Campaign': 'newsletter' };
  const sent = async (given: Given) => {
    const before = hop.messages.length;
    const id = await handIn(world, given);
    const { content } = await eventually('the message', () => hop.messages[before]);
    const { source, campaign = '', tenant } = await eventOf(world, 'delivered', id);
    assert.doesNotMatch(content, /x-chaski/i);
    return [tenant, campaign, source, /^List-Unsubscribe: /m.test(content)];
  };
  const acme = await tenantNumber(world, 'acme');
  assert.deepEqual(await sent({ from: 'shop@acme.test', headers }), [
    ...[acme, 'newsletter', 'bulk', true],
  ]);
  assert.deepEqual(await sent({ from: 'shop@ACME.test' }), [acme, '', 'usual', false]);
  const bent = { 'X-Chaski-Campaign': 'news letter' };
  assert.deepEqual(await sent({ from: 'shop@acme.test', headers: bent }), [
    ...[acme, '', 'usual', false],
  ]);
  const large = 'x'.repeat(70).concat('\n').repeat(6_000);
  assert.deepEqual(await sent({ from: 'shop@acme.test', headers, text: large }), [
    ...[acme, 'newsletter', 'bulk', true],
  ]);
  const other = await tenantNumber(world, 'other');
  assert.deepEqual(await sent({ from: 'shop@other.test', headers }), [
    ...[other, 'newsletter', 'usual', false],
  ]);
  assert.deepEqual(await sent({ from: 'who@far.test', headers }), [
    ...[0, 'newsletter', 'usual', false],
  ]);
});

it('a stranger’s mail is of its recipient’s tenant, whatever sender it names', async () => {
  await using world = await startApiWorld({ 'relay.networks': '192.0.2.0/24' });
  const account = 'bob@other.test';
  await world.test.call('account.create', { address: account });
  const id = await handIn(world, { from: 'shop@acme.test', to: account });
  const { tenant } = await eventOf(world, 'stored', id);
  assert.equal(tenant, await tenantNumber(world, 'other'));
});
