/**
 * Aim: an account's scripts are kept as they were given, at most one is active, limits hold, and a replayed journal
 *      makes the same rows.
 * Method: the real mailboxes and shelf on a fake shard.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MailError } from '../../../../../src/base/errors.ts';
import { ScriptShelf } from '../../../../../src/engine/mailbox/sieve/shelf.ts';
import { account, MailboxWorld, rebuilt, tableText, tenant } from '../mailbox-world.ts';

const owner = { account, tenant };
const limits = { scriptsMax: 3, scriptBytesMax: 10_000, scriptBytesAllMax: 15_000 };
const stored = { result: 'stored', warnings: [] };
const text = (source: string) => Buffer.from(source);
/** A script of so many octets. */
const long = (bytes: number) => text(`#${'x'.repeat(bytes - 1)}`);

class ShelfWorld extends MailboxWorld {
  readonly changed_: number[] = [];
  readonly shelf = new ScriptShelf({
    shard: () => this.shard,
    mailboxes: this.mailboxes,
    nowMs: () => this.nowMs,
    limits,
    changed: (of) => this.changed_.push(of),
  });

  names() {
    return this.shelf.list(account).map(({ name, isActive }) => (isActive ? `*${name}` : name));
  }
}

describe('scripts of an account', () => {
  it('are listed with their octets, and given back as they came', async () => {
    const { shelf } = new ShelfWorld();
    assert.deepEqual(shelf.list(account), []);
    const source = text('# naïve\r\nkeep;\r\n');
    assert.deepEqual(await shelf.put(owner, 'vacances d’été', source), stored);
    assert.deepEqual(shelf.list(account), [
      { name: 'vacances d’été', isActive: false, bytes: source.length },
    ]);
    assert.deepEqual(shelf.text(account, 'vacances d’été'), source);
    assert.equal(shelf.text(account, 'vacances'), undefined);
    assert.equal(shelf.text(account, ''), undefined);
  });

  it('of one part and of several are given back whole', async () => {
    const { shelf } = new ShelfWorld();
    for (const bytes of [1, 1_799, 1_800, 1_801, 10_000]) {
      const source = long(bytes);
      assert.deepEqual(await shelf.put(owner, 'main', source), stored);
      assert.deepEqual(shelf.text(account, 'main'), source);
    }
  });

  it('have faults with their places, and are not kept then', async () => {
    const { shelf } = new ShelfWorld();
    await shelf.put(owner, 'main', text('keep;'));
    const answer = await shelf.put(owner, 'main', text('keep;\n  fileinto "A";\n'));
    assert.equal(answer.result, 'faulty');
    assert.deepEqual(
      answer.result === 'faulty' && answer.faults.map(({ line, column }) => [line, column]),
      [[2, 3]],
    );
    assert.equal(String(shelf.text(account, 'main')), 'keep;');
  });

  it('are active one at a time, and the active one stays', async () => {
    const world = new ShelfWorld();
    const { shelf } = world;
    await shelf.put(owner, 'a', text('keep;'));
    await shelf.put(owner, 'b', text('discard;'));
    assert.equal(shelf.active(account), undefined);
    assert.equal(await shelf.activate(owner, 'a'), 'done');
    assert.equal(await shelf.activate(owner, 'b'), 'done');
    assert.deepEqual(world.names(), ['a', '*b']);
    assert.equal(shelf.active(account), 'discard;');
    assert.equal(await shelf.activate(owner, 'c'), 'missing');
    assert.equal(await shelf.remove(owner, 'b'), 'active');
    assert.equal(await shelf.remove(owner, 'c'), 'missing');
    assert.equal(await shelf.remove(owner, 'a'), 'done');
    assert.deepEqual(world.names(), ['*b']);
    assert.equal(await shelf.activate(owner, ''), 'done');
    assert.equal(shelf.active(account), undefined);
    assert.equal(await shelf.remove(owner, 'b'), 'done');
    assert.ok(world.changed_.length >= 5);
  });

  it('keep text and standing under a new name', async () => {
    const world = new ShelfWorld();
    const { shelf } = world;
    await shelf.put(owner, 'a', long(4_000));
    await shelf.put(owner, 'b', text('keep;'));
    await shelf.activate(owner, 'a');
    assert.equal(await shelf.rename(owner, 'a', 'b'), 'exists');
    assert.equal(await shelf.rename(owner, 'c', 'd'), 'missing');
    assert.equal(await shelf.rename(owner, 'a', 'a'), 'done');
    assert.equal(await shelf.rename(owner, 'a', 'c'), 'done');
    assert.deepEqual(world.names(), ['b', '*c']);
    assert.equal(shelf.text(account, 'c')?.byteLength, 4_000);
    // A name that begins another is another.
    assert.equal(await shelf.rename(owner, 'b', 'cc'), 'done');
    assert.equal(await shelf.rename(owner, 'c', 'd'), 'done');
    assert.deepEqual(world.names(), ['cc', '*d']);
  });

  it('are bounded in number, in octets, and together', async () => {
    const { shelf } = new ShelfWorld();
    assert.deepEqual(await shelf.put(owner, 'large', long(10_001)), { result: 'too-large' });
    assert.deepEqual(await shelf.put(owner, 'large', long(10_000)), stored);
    assert.deepEqual(await shelf.put(owner, 'b', long(5_001)), { result: 'no-room' });
    assert.deepEqual(await shelf.put(owner, 'b', long(4_999)), stored);
    assert.deepEqual(await shelf.put(owner, 'c', long(1)), stored);
    assert.deepEqual(await shelf.put(owner, 'd', text('#')), { result: 'too-many' });
    // In the place of one that is there.
    assert.equal(shelf.room(account, 'large', 10_000), 'free');
    assert.equal(shelf.room(account, 'd', 1), 'too-many');
    assert.equal(shelf.room(account, 'c', 10_001), 'too-large');
  });

  it('have names of text alone', async () => {
    const { shelf } = new ShelfWorld();
    for (const name of ['', 'a\nb', 'a\0', 'x'.repeat(257), '\ud800', 'a\u2028', '\ufeffa']) {
      await assert.rejects(
        shelf.put(owner, name, text('keep;')),
        (error) => error instanceof MailError && error.code === 'argument-invalid',
      );
    }
    assert.deepEqual(await shelf.put(owner, 'x'.repeat(256), text('keep;')), stored);
    // What is composed may be longer than what it is made of.
    const growing = '\u{1d160}'.repeat(128);
    assert.ok(growing.length === 256 && growing.normalize('NFC').length > 256);
    await assert.rejects(shelf.put(owner, growing, text('keep;')), MailError);
    assert.throws(() => shelf.room(account, growing, 1), MailError);
  });

  it('are the same after a replay, begun anywhere', async () => {
    const world = new ShelfWorld();
    const { shelf, shard } = world;
    await shelf.put(owner, 'a', long(4_000));
    await shelf.activate(owner, 'a');
    await shelf.put(owner, 'a', text('keep;'));
    await shelf.rename(owner, 'a', 'b');
    const wanted = tableText(shard);
    for (let again = 0; again <= shard.records.length; again++) {
      const other = rebuilt(shard, (to) => {
        for (const record of shard.records) to.apply(record);
        for (const record of shard.records.slice(again)) to.apply(record);
      });
      assert.deepEqual(tableText(other), wanted);
    }
  });

  it('of several accounts, put at once, do not meet', async () => {
    const world = new ShelfWorld();
    const { shelf } = world;
    const other = { account: 2 as typeof account, tenant };
    await Promise.all([
      shelf.put(owner, 'a', text('keep;')),
      shelf.put(other, 'b', text('stop;')),
      shelf.put(owner, 'c', text('keep;')),
    ]);
    assert.deepEqual(world.names(), ['a', 'c']);
    assert.deepEqual(
      shelf.list(2).map(({ name }) => name),
      ['b'],
    );
  });
});
