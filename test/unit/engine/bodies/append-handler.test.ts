/**
 * Aim: APPEND, MULTIAPPEND, CATENATE and REPLACE store what was sent, all of a command or nothing, once; and what is
 *      not stored leaves no file.
 * Method: the handlers over a real shard on a simulated disk, which is cut at random calls and opened again.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer, ArrivedAsk, Handlers } from '../../../../src/actors/ask.ts';
import { bodyAsks } from '../../../../src/actors/asks/body-asks.ts';
import {
  type Appended,
  imapAsks,
  type PackedAppend,
  type PackedMessage,
  type PackedOwner,
  type PackedPart,
} from '../../../../src/actors/asks/imap-asks.ts';
import { MailError } from '../../../../src/base/errors.ts';
import {
  type AccountId,
  defaultTenant,
  MessageIdSource,
  shardId,
} from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { mebibyte } from '../../../../src/base/units.ts';
import { appendHandler } from '../../../../src/engine/bodies/append-handler.ts';
import { BodyTurns } from '../../../../src/engine/bodies/body-turns.ts';
import { IncomingBodies } from '../../../../src/engine/bodies/incoming-bodies.ts';
import { largeBodyLimits } from '../../../../src/engine/bodies/limits.ts';
import { ImapDesk } from '../../../../src/engine/mailbox/imap/desk.ts';
import type { Rights } from '../../../../src/engine/mailbox/imap/rights.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import { mailboxRecords } from '../../../../src/engine/mailbox/records.ts';
import type { OpenShard } from '../../../../src/engine/shards.ts';
import { Shard } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { type Chance, SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

const account = 1 as AccountId;
const owner: PackedOwner = [account, defaultTenant, 0];
const bytesMax = 2_000_000;
/** Of the small messages of one command. */
const memoryBytesMax = 16 * mebibyte;
const large = Buffer.from(`Subject: large\r\n\r\n${'a line of text\r\n'.repeat(20_000)}`);
const small = (text: string) => Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`);

/** One life of a shard; the next one begins on the same disk. */
class Life {
  readonly clock = new SeededClock();
  readonly disk: SimulatedDisk;
  readonly index: RewindableIndex;
  readonly chance: Chance;
  readonly ids: MessageIdSource;
  store!: Shard;
  mailboxes!: Mailboxes;
  desk!: ImapDesk;
  incoming!: IncomingBodies;
  #handlers: Handlers = {};

  constructor(seed = 1, disk?: SimulatedDisk, index = new RewindableIndex()) {
    this.chance = seededChance(seed);
    this.disk = disk ?? new SimulatedDisk(this.chance);
    this.index = index;
    this.ids = new MessageIdSource(() => this.clock.nowMs(), seed);
  }

  async open(): Promise<this> {
    const { clock, disk, index, chance } = this;
    this.mailboxes = new Mailboxes({ clock });
    this.store = await Shard.open({
      ...{ id: shardId(0), folder: 'shard', disk, index, clock, log: silentLog },
      random: seededRandom(chance),
      kinds: this.mailboxes.kinds,
      limits: { diskFreeBytesMin: 0, reserveBytes: 0 },
    });
    this.mailboxes.start(this.store);
    this.begin();
    return this;
  }

  /** The thread's own memory is new. */
  begin(): void {
    const { clock } = this;
    this.desk = new ImapDesk(this.store, this.mailboxes, clock);
    const opened = { imap: this.desk, store: this.store } as OpenShard;
    const shardOf = () => opened;
    this.incoming = new IncomingBodies({ shardOf, clock, limits: largeBodyLimits });
    const whole = new BodyTurns(largeBodyLimits.wholeBytesMax);
    const append = appendHandler({ shardOf, incoming: this.incoming, whole, clock });
    this.#handlers = {
      ...this.incoming.handlers(),
      [imapAsks.append]: (ask, room) => append({ ...ask, desk: this.desk }, room),
    };
  }

  async ask(name: string, meta: unknown, body: Uint8Array = Buffer.alloc(0)): Promise<Answer> {
    const given: ArrivedAsk = {
      ...{ shard: shardId(0), actor: '', name, key: '', class: 'short', lane: 'normal' },
      ...{ deadlineMs: 0, meta, body },
    };
    const outcome = await this.#handlers[name]!(given, { isFull: false });
    return 'pending' in outcome ? await outcome.pending : outcome;
  }

  /** In chunks, as the edge sends a large text. */
  async send(bytes: Buffer, chunkBytes = 100_000): Promise<string> {
    const id = this.ids.next();
    for (let at = 0, index = 0; at < bytes.length; at += chunkBytes, index++) {
      await this.ask(bodyAsks.chunk, [id, index], bytes.subarray(at, at + chunkBytes));
    }
    return id;
  }

  append(
    messages: readonly (readonly PackedPart[])[],
    more: {
      readonly body?: Buffer;
      readonly path?: string;
      readonly id?: string;
      readonly replaced?: number;
    } = {},
  ): Promise<Answer> {
    const { body, path = 'INBOX', id = this.ids.next(), replaced } = more;
    const packed = messages.map((parts): PackedMessage => [0, [], 0, parts]);
    const meta: PackedAppend = [
      ...([owner, path, id, bytesMax, packed] as const),
      replaced === undefined ? null : [[1, 1_000, 1_000], true, [replaced, replaced]],
    ];
    return this.ask(imapAsks.append, meta, body);
  }

  async texts(mailbox = 1): Promise<string[]> {
    const { reader } = this.mailboxes;
    const texts: string[] = [];
    for (const { document } of reader.messages(account, mailbox, 1, 100)) {
      const bytes = await reader.bytes(reader.document(account, document)!);
      texts.push(Buffer.from(bytes).toString());
    }
    return texts;
  }

  async files(): Promise<string[]> {
    // A file of no bytes keeps the highest number.
    const names = (await this.disk.list('shard/journal')).filter((name) => name.endsWith('.body'));
    const full: string[] = [];
    for (const name of names) {
      const file = await this.disk.open(`shard/journal/${name}`, 'read');
      if ((await file.size()) > 0) full.push(name);
      await file.close();
    }
    return full;
  }

  /** The process is gone; what was not synced may be, too. */
  async next(seed: number, isKill = false): Promise<Life> {
    const disk = isKill ? this.disk.killProcess() : this.disk.cutPower();
    const index = await this.index.copyAt(Math.floor(this.chance() * (this.index.commitCount + 1)));
    await this.store.close().catch(() => {});
    return new Life(seed, disk, index).open();
  }
}

const uidsOf = (answer: Answer): readonly number[] => {
  assert.ok(answer.ok, JSON.stringify(answer));
  return (answer.value as Appended).uids;
};
const refused = (answer: Answer, code: string) =>
  assert.equal(answer.ok ? 'ok' : answer.code, code);

describe('an append', () => {
  it('keeps a large text in a file of its own, byte for byte, through a restart', async () => {
    const life = await new Life().open();
    const id = await life.send(large);
    assert.deepEqual(uidsOf(await life.append([[id]])), [1, 1]);
    assert.equal((await life.files()).length, 1);
    assert.equal(life.incoming.count, 0);
    const again = await life.next(2, true);
    assert.deepEqual(await again.texts(), [large.toString()]);
    assert.equal((await again.files()).length, 1);
    await again.store.close();
  });

  it('puts texts, large ones too, and parts of other messages together', async () => {
    const life = await new Life().open();
    await life.append([[small('one').length]], { body: small('one') });
    const id = await life.send(large);
    const url = ['u', 'INBOX', 0, 1, ['', '', 'TEXT', [], -1, -1]] as const;
    assert.deepEqual(
      uidsOf(
        await life.append(
          [
            [id, url, 4],
            [url, url],
          ],
          { body: Buffer.from('end.') },
        ),
      ),
      [2, 3],
    );
    const [, joined, twice] = await life.texts();
    assert.equal(joined, `${large}one\r\nend.`);
    assert.equal(twice, 'one\r\none\r\n');
    await life.store.close();
  });

  it('that is refused leaves no file and no message', async () => {
    const life = await new Life().open();
    await life.append([[small('one').length]], { body: small('one') });
    refused(await life.append([[await life.send(large)]], { path: 'Nowhere' }), 'not-found');
    const parts = Array.from({ length: 7 }, () => life.send(large));
    refused(await life.append([await Promise.all(parts)]), 'message-too-large');
    refused(await life.append([[await life.send(large)], ['lost']]), 'store-failed');
    const url = ['u', 'INBOX', 0, 9, ['', '', '', [], -1, -1]] as const;
    const bad = await life.append([[await life.send(large)], [url]]);
    assert.deepEqual(bad.ok && bad.value, { badUrl: 'u' });
    const gone = await life.append([[await life.send(large)]], { replaced: 9 });
    assert.deepEqual(gone.ok && gone.value, { isGone: true });
    await life.mailboxes.putAccount(account, defaultTenant, { bytes: large.length, messages: 0 });
    refused(await life.append([[await life.send(large)]]), 'account-over-quota');
    life.clock.advance(2_000);
    await turns(50);
    assert.deepEqual(await life.files(), []);
    assert.equal(life.incoming.count, 0);
    assert.equal((await life.texts()).length, 1);
    await life.store.close();
  });

  // RFC 8508 §4.1.
  it('may use the room of what it replaces', async () => {
    const life = await new Life().open();
    await life.append([[await life.send(large)]]);
    await life.mailboxes.putAccount(account, defaultTenant, {
      bytes: large.length + 10,
      messages: 0,
    });
    refused(await life.append([[await life.send(large)]]), 'account-over-quota');
    const answer = await life.append([[await life.send(large)]], { replaced: 1 });
    assert.deepEqual(uidsOf(answer), [2, 2]);
    await life.store.close();
  });

  it('asked again by the same id changes nothing, though its texts are gone', async () => {
    const life = await new Life().open();
    await life.append([[small('one').length]], { body: small('one') });
    const url = ['u', 'INBOX', 0, 1, ['', '', '', [], -1, -1]] as const;
    const id = life.ids.next();
    const parts = [[await life.send(large)], [url]];
    const first = await life.append(parts, { id, replaced: 1 });
    // The thread died before it could answer.
    life.begin();
    assert.deepEqual(await life.append(parts, { id, replaced: 1 }), first);
    assert.deepEqual(uidsOf(first), [2, 3]);
    assert.deepEqual(await life.texts(), [large.toString(), small('one').toString()]);
    const again = await life.next(3, true);
    assert.deepEqual(await again.append(parts, { id, replaced: 1 }), first);
    assert.equal((await again.texts()).length, 2);
    await again.store.close();
  });

  // RFC 8508 §3.5: a message that is gone is told so, and nothing is appended.
  it('that replaces what another replaces at the same time says it is gone', async () => {
    const life = await new Life().open();
    await life.append([[small('old').length]], { body: small('old') });
    const replace = (text: string) =>
      life.append([[small(text).length]], { body: small(text), replaced: 1 });
    const [first, second] = await Promise.all([replace('a'), replace('b')]);
    assert.deepEqual(uidsOf(first!), [2, 2]);
    assert.deepEqual(second?.ok && second.value, { isGone: true });
    assert.deepEqual(await life.texts(), [small('a').toString()]);
    await life.store.close();
  });

  it('by URLs holds no more in memory than may come with a command: the rest goes to files', async () => {
    const life = await new Life().open();
    const text = Buffer.from(`Subject: m\r\n\r\n${'a line of text\r\n'.repeat(15_000)}`);
    await life.append([[text.length]], { body: text });
    const url = ['u', 'INBOX', 0, 1, ['', '', '', [], -1, -1]] as const;
    const count = Math.ceil(memoryBytesMax / text.length) + 3;
    const answer = await life.append(Array.from({ length: count }, () => [url]));
    assert.deepEqual(uidsOf(answer), [2, count + 1]);
    const files = (await life.files()).length;
    assert.ok(files >= 3 && files < 10, `${files} files`);
    assert.ok((await life.texts()).every((one) => one === text.toString()));
    await life.store.close();
  });

  it('of fields of a header by URLs is put together, and is not read further than it may be large', async () => {
    const life = await new Life().open();
    const long = Buffer.from(`X-Long: ${'x'.repeat(60_000)}\r\nTo: a@x\r\n\r\ntext\r\n`);
    await life.append([[long.length]], { body: long });
    const fields = (name: string) =>
      ['u', 'INBOX', 0, 1, ['', '', 'HEADER.FIELDS', [name], -1, -1]] as const;
    uidsOf(await life.append([[fields('To'), 5, fields('To')]], { body: Buffer.from('text.') }));
    assert.equal((await life.texts())[1], 'To: a@x\r\n\r\ntext.To: a@x\r\n\r\n');
    let reads = 0;
    const read = life.store.read.bind(life.store);
    life.store.read = (...wanted) => {
      reads++;
      return read(...wanted);
    };
    const many = Array.from({ length: 500 }, () => fields('X-Long'));
    refused(await life.append([many]), 'message-too-large');
    assert.ok(reads <= bytesMax / 60_000 + 2, `${reads} reads`);
    await life.store.close();
  });

  it('by URLs that has no room is refused before anything is written', async () => {
    const life = await new Life().open();
    await life.append([[await life.send(large)]]);
    const url = ['u', 'INBOX', 0, 1, ['', '', '', [], -1, -1]] as const;
    let made = 0;
    const openBody = life.store.openBody.bind(life.store);
    life.store.openBody = (bytes) => {
      made++;
      return openBody(bytes);
    };
    const room = { bytes: 3 * large.length, messages: 0 };
    await life.mailboxes.putAccount(account, defaultTenant, room);
    refused(await life.append(Array.from({ length: 50 }, () => [url])), 'account-over-quota');
    assert.equal(made, 2, 'no more than there is room for');
    await life.mailboxes.putAccount(account, defaultTenant, { bytes: 0, messages: 0 });
    life.store.hasRoom = () => false;
    refused(await life.append([[url]]), 'disk-full');
    assert.equal(made, 2);
    await life.store.close();
  });

  it('a large text that came with its command goes to a file as well', async () => {
    const life = await new Life().open();
    assert.deepEqual(uidsOf(await life.append([[large.length]], { body: large })), [1, 1]);
    assert.equal((await life.files()).length, 1);
    assert.deepEqual(await life.texts(), [large.toString()]);
    await life.store.close();
  });

  it('into a mailbox that is deleted meanwhile finds none, and leaves no file', async () => {
    const life = await new Life().open();
    await life.append([[small('one').length]], { body: small('one') });
    const box = { account, tenant: defaultTenant };
    const mailbox = await life.desk.tree.create(box, 'Box');
    await life.append([[small('one').length]], { body: small('one'), path: 'Box' });
    const openBody = life.store.openBody.bind(life.store);
    life.store.openBody = async (bytes) => {
      await life.desk.tree.delete(box, 'Box');
      return openBody(bytes);
    };
    refused(await life.append([[large.length]], { body: large, path: 'Box' }), 'not-found');
    life.store.openBody = openBody;
    assert.equal(life.desk.reader.mailbox(account, mailbox), undefined);
    life.clock.advance(2_000);
    await turns(50);
    assert.deepEqual(await life.files(), []);
    await life.store.close();
  });

  it('finds no mailbox while the record that deletes it is under way', async () => {
    const life = await new Life().open();
    const box = { account, tenant: defaultTenant };
    const mailbox = await life.desk.tree.create(box, 'Box');
    const append = () => {
      const facts = { flags: 0, keywords: [], internalMs: 0, bytes: small('one') };
      return life.mailboxes.append({ ...box, mailbox, id: life.ids.next(), ...facts });
    };
    assert.ok((await append()).ok);
    const { append: journal } = life.store;
    const late: Promise<{ readonly ok: boolean }>[] = [];
    life.store.append = (drafts) => {
      const appended = journal.call(life.store, drafts);
      if (drafts.some(({ type }) => type === mailboxRecords.mailboxDeleted)) {
        queueMicrotask(() => late.push(append()));
      }
      return appended;
    };
    await life.desk.tree.delete(box, 'Box');
    assert.deepEqual(
      (await Promise.all(late)).map((one) => 'code' in one && one.code),
      ['not-found'],
    );
    await life.store.close();
  });

  it('of a reader stays done though the reader cannot be told to have seen it', async () => {
    const life = await new Life().open();
    await life.append([[small('one').length]], { body: small('one') });
    const reader = { account: 2, tenant: defaultTenant };
    life.desk = life.desk.forReader({ of: () => -1, reader } as unknown as Rights);
    life.mailboxes.storeFlags = async (_, tenant, { mailbox, uids }) => {
      // Gone before its reader is done, and its file with it.
      await life.mailboxes.expunge(account, tenant, mailbox, uids);
      await life.append([[large.length]], { body: large });
      life.clock.advance(2_000);
      await turns(50);
      throw new MailError('store-busy', 'not now');
    };
    const [seen, id] = [1, life.ids.next()];
    const message: PackedMessage = [seen, [], 0, [large.length]];
    const meta: PackedAppend = [owner, 'INBOX', id, bytesMax, [message], null];
    assert.deepEqual(uidsOf(await life.ask(imapAsks.append, meta, large)), [2, 2]);
    assert.equal((await life.texts()).length, 2);
    await life.store.close();
  });

  const seeds = 60;
  it(`is there whole or not at all after power cuts, with what it replaces (${seeds} seeds)`, async () => {
    let wholeCount = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const life = await new Life(seed).open();
      await life.append([[small('old').length]], { body: small('old') });
      let callsLeft = Math.floor(life.chance() * 14);
      const id = await life.send(large, 160_000);
      const body = Buffer.concat([small('a'), small('b')]);
      life.disk.plan = { onCall: () => callsLeft-- <= 0 };
      const messages = [[small('a').length], [id], [small('b').length]];
      const answer = await life.append(messages, { body, replaced: 1 });
      const again = await life.next(seed + 1_000);
      const texts = await again.texts();
      const wanted = [small('a').toString(), large.toString(), small('b').toString()];
      const isWhole = texts.length === 3;
      if (answer.ok) assert.ok(isWhole, `seed ${seed}: acknowledged and not there`);
      assert.deepEqual(texts, isWhole ? wanted : [small('old').toString()], `seed ${seed}`);
      assert.equal((await again.files()).length, isWhole ? 1 : 0, `seed ${seed}`);
      wholeCount += Number(isWhole);
      await again.store.close();
    }
    assert.ok(wholeCount > 5 && wholeCount < seeds - 5, `${wholeCount} of ${seeds} were whole`);
  });
});
