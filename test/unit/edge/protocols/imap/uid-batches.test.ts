/**
 * Aim: UIDBATCHES is asked again only after as much has changed as RFC 10022 §3.1.1 wants, and an answer is bounded.
 * Method: a session in memory; half a batch of messages comes, or goes; a mailbox that claims to be too large.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imapAsks, type OpenedMailbox } from '../../../../../src/actors/asks/imap-asks.ts';
import type { ImapClient } from '../../../../support/imap-client.ts';
import { connectInMemory, FakeImap } from '../../../../support/imap-fakes.ts';
import { account } from '../../../engine/mailbox/mailbox-world.ts';

async function opened(fake: FakeImap, messages: number): Promise<ImapClient> {
  for (let i = 0; i < messages; i++) await fake.world.deliver();
  const client = connectInMemory(fake.service);
  await client.ok('LOGIN alice@local.test secret');
  await client.ok('SELECT INBOX');
  return client;
}

const told = async (client: ImapClient, command: string) => {
  const { tagged } = await client.run(command);
  return `${tagged.name} ${tagged.code}`.trim();
};

describe('the same batches', () => {
  it('are told again once half a batch of messages came', async () => {
    const fake = new FakeImap();
    const client = await opened(fake, 1);
    assert.equal(await told(client, 'UIDBATCHES 500'), 'OK');
    for (let i = 1; i < 250; i++) await fake.world.deliver();
    await client.ok('NOOP');
    assert.equal(await told(client, 'UIDBATCHES 500'), 'NO LIMIT');
    assert.equal(await told(client, 'UIDBATCHES 600'), 'OK');
    await fake.world.deliver();
    await client.ok('NOOP');
    assert.equal(await told(client, 'UIDBATCHES 500'), 'OK');
    assert.equal(await told(client, 'UIDBATCHES 500'), 'NO LIMIT');
    client.destroy();
  });

  it('are told again once half a batch of messages went', async () => {
    const fake = new FakeImap();
    const client = await opened(fake, 260);
    assert.equal(await told(client, 'UIDBATCHES 500 1:9'), 'OK');
    await client.ok('STORE 1:249 +FLAGS.SILENT (\\Deleted)');
    await client.ok('EXPUNGE');
    assert.equal(await told(client, 'UIDBATCHES 500 1:9'), 'NO LIMIT');
    await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await client.ok('EXPUNGE');
    assert.equal(await told(client, 'UIDBATCHES 500 1:9'), 'OK');
    client.destroy();
  });

  it('are remembered by the last 64 questions', async () => {
    const client = await opened(new FakeImap(), 1);
    for (let i = 1; i <= 65; i++) assert.equal(await told(client, `UIDBATCHES 500 ${i}:99`), 'OK');
    assert.equal(await told(client, 'UIDBATCHES 500 2:99'), 'NO LIMIT');
    assert.equal(await told(client, 'UIDBATCHES 500 1:99'), 'OK');
    client.destroy();
  });
});

describe('batches of a mailbox that is very large', () => {
  it('are at most 10,000 in an answer', async () => {
    const fake = new FakeImap();
    await fake.world.deliver();
    const { value } = await fake.world.value<OpenedMailbox>(imapAsks.open, [
      [account, 1, 0],
      'INBOX',
    ]);
    const info = { ...value.info, messages: 5_000_001 };
    fake.answers.set(imapAsks.open, { ok: true, value: { ...value, info } });
    fake.answers.set(imapAsks.batches, { ok: true, value: [9, 1] });
    const client = await opened(fake, 0);
    assert.equal(await told(client, 'UIDBATCHES 500'), 'NO TOOMANY');
    assert.equal(await told(client, 'UIDBATCHES 500 2:20000'), 'OK');
    assert.equal(await told(client, 'UIDBATCHES 500 1:10000'), 'OK');
    assert.equal(await told(client, 'UIDBATCHES 501'), 'OK');
    client.destroy();
  });
});
