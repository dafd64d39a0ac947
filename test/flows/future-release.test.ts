/** RFC 4865 through the real server: mail for an account is held back until its time, and then delivered. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlCall } from '../../src/actors/asks/control.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { emptyBytes } from '../../src/base/bytes.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const holdSeconds = 3;
const waitMs = 25;
const waitCount = 400;

it('RFC 4865: HOLDFOR keeps a message from an account until its time', async () => {
  await using test = await startTestServer({ 'relay.networks': '127.0.0.0/8' });
  await test.server.handlers['domain.create']!({ name: 'local.test' }, callOf());
  const account = { address: 'ann@local.test', password: 'correct horse' };
  await test.server.handlers['account.create']!(account, callOf());
  const client = await WireClient.connect(test.ports.smtp!);
  await client.line();
  const beforeMs = performance.now();
  let reply = '';
  for (const line of [
    'HELO me.test',
    `MAIL FROM:<ann@local.test> HOLDFOR=${holdSeconds}`,
    'RCPT TO:<ann@local.test>',
    'DATA',
    'Subject: later\r\n\r\ntext\r\n.',
  ]) {
    client.send(Buffer.from(`${line}\r\n`));
    reply = (await client.line())!;
  }
  assert.match(reply, /^250 /);
  let count = 0;
  for (let i = 0; i < waitCount && count === 0; i++) {
    await sleep(waitMs);
    count = await messageCount(test);
  }
  assert.equal(count, 1);
  const heldMs = performance.now() - beforeMs;
  assert.ok(heldMs >= holdSeconds * 1_000, `held for ${heldMs} ms only`);
});

async function messageCount({ server }: TestServer): Promise<number> {
  let count = 0;
  const params = { account: 'ann@local.test', mailbox: 'INBOX' };
  await server.handlers['mailbox.export']!(
    params,
    callOf(() => count++),
  );
  return count;
}

function callOf(onItem: () => void = () => {}): ControlCall<unknown> {
  return {
    by: askedHere,
    body: emptyBytes as Buffer,
    signal: new AbortController().signal,
    emit: async () => onItem(),
  };
}
