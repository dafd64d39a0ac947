/** RFC 3461 through the real server: a sender who asked to hear of a delivery into an account does. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlCall } from '../../src/actors/asks/control.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { emptyBytes, view } from '../../src/base/bytes.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

const waitMs = 25;
const waitCount = 200;

for (const [listener, hello] of [
  ['smtp', 'EHLO'],
  ['lmtp', 'LHLO'],
] as const) {
  it(`RFC 3461 §5.2.3: ${listener} reports a delivery to each account that was asked for`, async () => {
    await using test = await startTestServer();
    await test.server.handlers['domain.create']!({ name: 'local.test' }, callOf());
    for (const name of ['ann', 'bob', 'cyd']) await createAccount(test, name);
    const client = await WireClient.connect(test.ports[listener]!);
    await client.line();
    client.send(Buffer.from(`${hello} me.test\r\n`));
    while ((await client.line())?.[3] === '-');
    const replies: string[] = [];
    for (const line of [
      'MAIL FROM:<ann@local.test>',
      'RCPT TO:<bob@local.test> NOTIFY=SUCCESS',
      'RCPT TO:<cyd@local.test> NOTIFY=SUCCESS',
      'DATA',
      'Subject: original\r\n\r\ntext\r\n.',
    ]) {
      client.send(Buffer.from(`${line}\r\n`));
      replies.push((await client.line())!);
    }
    assert.match(replies.at(-1)!, /^250 /, replies.join('\n'));
    await inbox(test, 'bob', 1);
    await inbox(test, 'cyd', 1);
    const reports = (await inbox(test, 'ann', 2)).join('\n');
    assert.match(reports, /Final-Recipient: rfc822; ?bob@local\.test\r\nAction: delivered/i);
    assert.match(reports, /Final-Recipient: rfc822; ?cyd@local\.test\r\nAction: delivered/i);
  });
}

async function createAccount({ server }: TestServer, name: string): Promise<void> {
  const params = { address: `${name}@local.test`, password: 'correct horse' };
  await server.handlers['account.create']!(params, callOf());
}

/** The messages of an account, once there are `count`. */
async function inbox(test: TestServer, name: string, count: number): Promise<string[]> {
  let texts: string[] = [];
  for (let i = 0; i < waitCount && texts.length < count; i++) {
    await sleep(waitMs);
    texts = [];
    await test.server.handlers['mailbox.export']!(
      { account: `${name}@local.test`, mailbox: 'INBOX' },
      callOf((bytes) => texts.push(view(bytes).toString('latin1'))),
    );
  }
  assert.equal(texts.length, count, `messages of ${name}`);
  return texts;
}

function callOf(onItem: (bytes: Uint8Array) => void = () => {}): ControlCall<unknown> {
  return {
    by: askedHere,
    body: emptyBytes as Buffer,
    signal: new AbortController().signal,
    emit: async (_item, bytes) => onItem(bytes ?? emptyBytes),
  };
}
