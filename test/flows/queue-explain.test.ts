/** Aim: an operator is told what holds each message back, and how the site it goes to stands. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MessageReasons } from '../../src/actors/asks/explain-asks.ts';
import { NextHop } from '../support/next-hop.ts';
import { sendSmall } from '../support/small-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

/** What is said of a message once it is held back so. */
function explained(test: TestServer, id: string, reason: string): Promise<MessageReasons> {
  return eventually(`${id} ${reason}`, async () => {
    const { message } = await test.call('queue.explain', { of: id });
    return message?.recipients.some((recipient) => recipient.reason === reason)
      ? message
      : undefined;
  });
}

it('queue explain names what holds a message, until when, and the state of its site', async () => {
  const reply = (command: string) =>
    /^RCPT.*<later@/.test(command) ? '450 4.2.0 Greylisted' : undefined;
  await using hop = await new NextHop({ reply }).start();
  await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${hop.port}` });
  const id = await sendSmall(test, 'later@far.test');
  const { recipients, expiresMs } = await explained(test, id, 'retry');
  const [recipient] = recipients;
  assert.equal(recipient!.why, 'greylist');
  assert.equal(recipient!.setting, 'retry.greylistMsMin');
  assert.match(recipient!.lastReply, /Greylisted/);
  assert.ok(recipient!.untilMs! > Date.now() && recipient!.untilMs! < expiresMs);
  assert.ok(recipient!.site!.connectionCount >= 1);
  assert.equal(recipient!.site!.waitingCount, 0);

  await test.call('queue.hold', { ids: [id] });
  await explained(test, id, 'held');
  const { sites } = await test.call('queue.explain', { of: 'FAR.test' });
  assert.equal(sites.length, 1);
  assert.equal(sites[0]!.downUntilMs, 0);
  const { sites: byName } = await test.call('queue.explain', { of: sites[0]!.name });
  assert.equal(byName.length, 1);
  const none = await test.call('queue.explain', { of: 'unknown.test' });
  assert.deepEqual(none, { sites: [] });
  await assert.rejects(
    test.call('queue.explain', { of: '01JQ5Z8N3K7M0ABC' }),
    /is not in the queue/,
  );
});

it('queue explain tells that a site is down, and why', async () => {
  const hop = await new NextHop({}).start();
  const { port } = hop;
  await hop[Symbol.asyncDispose]();
  await using test = await startTestServer({ 'relay.route': `smtp://127.0.0.1:${port}` });
  const id = await sendSmall(test, 'any@far.test');
  const { recipients } = await explained(test, id, 'retry');
  assert.equal(recipients[0]!.why, 'network');
  assert.equal(recipients[0]!.setting, 'relay.retryMsMin');
  assert.ok(recipients[0]!.site!.downUntilMs > Date.now());
  assert.match(recipients[0]!.site!.downReply, /refused/);
});
