/**
 * Aim: an import brings each message once, however often it is repeated or cut off, and says what it could not take.
 * Method: the real mailboxes on a fake shard whose appends fail on demand; replay into a second shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  messagesPerImportMax,
  type PackedImported,
} from '../../../../src/actors/asks/mailbox-asks.ts';
import {
  account,
  MailboxWorld,
  messageBytes,
  quotaOf,
  rebuilt,
  startMs,
  tableText,
  tenant,
} from './mailbox-world.ts';

const inbox = 1;

class ImportWorld extends MailboxWorld {
  async ready(quotaBytes = 0): Promise<this> {
    await this.mailboxes.putAccount(account, tenant, quotaOf(quotaBytes));
    return this;
  }

  import(texts: readonly string[], run = 'first', mailbox = inbox) {
    const bytes = texts.map((text) => messageBytes({ id: `${text}@x`, text }));
    const messages = texts.map((text, at): PackedImported => {
      const occurrence = texts.slice(0, at + 1).filter((one) => one === text).length;
      return [bytes[at]!.length, occurrence, 1, ['$Own'], startMs - 1_000 * at];
    });
    const request = { account, tenant, mailbox, run, messages, bytes: Buffer.concat(bytes) };
    return this.mailboxes.import(request);
  }

  async texts(): Promise<string[]> {
    const texts: string[] = [];
    for (const { document } of this.reader.messages(account, inbox, 1, 999)) {
      const row = this.reader.document(account, document)!;
      const bytes = Buffer.from(await this.reader.bytes(row)).toString();
      texts.push(bytes.slice(bytes.indexOf('\r\n\r\n') + 4, -2));
    }
    return texts;
  }
}

describe('an import', () => {
  it('brings flags, keywords and dates, in the order given, and the same after a replay', async () => {
    const world = await new ImportWorld().ready();
    const answer = await world.import(['a', 'b', 'c']);
    assert.deepEqual(answer, { importedCount: 3, knownCount: 0, faults: [] });
    assert.deepEqual(await world.texts(), ['a', 'b', 'c']);
    const [, second] = world.reader.messages(account, inbox, 1, 9);
    assert.deepEqual(second!.flags, ['\\Seen', '$Own']);
    assert.equal(world.reader.document(account, second!.document)!.internalMs, startMs - 1_000);
    for (const times of [1, 2]) {
      const again = rebuilt(world.shard, (shard) => {
        for (let i = 0; i < times; i++) for (const one of world.shard.records) shard.apply(one);
      });
      assert.deepEqual(tableText(again), tableText(world.shard));
    }
  });

  it('done again brings nothing, and copies that the source has more than once come so often', async () => {
    const world = await new ImportWorld().ready();
    assert.equal((await world.import(['a', 'a', 'b'])).importedCount, 3);
    const again = await world.import(['a', 'a', 'b', 'a', 'c'], 'second');
    assert.deepEqual([again.importedCount, again.knownCount], [2, 3]);
    assert.deepEqual(await world.texts(), ['a', 'a', 'b', 'a', 'c']);
    assert.equal((await world.import(['c', 'a', 'a', 'a', 'b'], 'third')).importedCount, 0);
  });

  it('knows what the mailbox had before, and what another mailbox has is no matter', async () => {
    const world = await new ImportWorld().ready();
    await world.import(['a'], 'other', 6);
    await world.import(['b'], 'before');
    const answer = await world.import(['a', 'b', 'c'], 'first');
    assert.deepEqual([answer.importedCount, answer.knownCount], [2, 1]);
    assert.deepEqual(await world.texts(), ['b', 'a', 'c']);
  });

  it('whose append failed may be repeated under its own name: what is on disk is found', async () => {
    for (const fault of ['written', 'lost'] as const) {
      const world = await new ImportWorld().ready();
      await world.import(['a', 'b']);
      world.shard.faults.push(fault);
      await assert.rejects(world.import(['c', 'd']), { code: 'store-failed' });
      const again = await world.import(['c', 'd']);
      assert.equal(again.knownCount, fault === 'written' ? 2 : 0);
      assert.deepEqual(await world.texts(), ['a', 'b', 'c', 'd']);
    }
  });

  it('waits for the batch of a client that is gone before it looks what is there', async () => {
    const world = await new ImportWorld().ready();
    const left = world.import(['a', 'b'], 'left');
    const answer = await world.import(['a', 'b', 'c'], 'first');
    assert.equal((await left).importedCount, 2);
    assert.deepEqual([answer.importedCount, answer.knownCount], [1, 2]);
    assert.deepEqual(await world.texts(), ['a', 'b', 'c']);
  });

  it('takes what the quota leaves, and says which messages it does not', async () => {
    const bytes = messageBytes({ id: 'a@x', text: 'a' }).length;
    const world = await new ImportWorld().ready(2 * bytes);
    const { importedCount, faults } = await world.import(['a', 'b', 'c']);
    assert.equal(importedCount, 2);
    assert.deepEqual(
      faults.map(([index, code]) => [index, code]),
      [[2, 'account-over-quota']],
    );
    assert.equal(world.reader.account(account)!.bytes, 2 * bytes);
  });

  it('refuses a mailbox that is not there, too many messages, and sizes that do not add up', async () => {
    const world = await new ImportWorld().ready();
    await assert.rejects(world.import(['a'], 'first', 99), { code: 'not-found' });
    const one: PackedImported = [0, 1, 0, [], 0];
    const request = { account, tenant, mailbox: inbox, run: 'r', bytes: Buffer.alloc(0) };
    const many = Array.from({ length: messagesPerImportMax + 1 }, () => one);
    await assert.rejects(world.mailboxes.import({ ...request, messages: many }), {
      code: 'argument-invalid',
    });
    const longer = { ...request, messages: [[5, 1, 0, [], 0] as PackedImported] };
    await assert.rejects(world.mailboxes.import(longer), { code: 'argument-invalid' });
    assert.deepEqual(await world.texts(), []);
  });
});
