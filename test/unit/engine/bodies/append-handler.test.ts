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
import {
  type AccountId,
  defaultTenant,
  MessageIdSource,
  shardId,
} from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { appendHandler } from '../../../../src/engine/bodies/append-handler.ts';
import { BodyTurns } from '../../../../src/engine/bodies/body-turns.ts';
import { IncomingBodies } from '../../../../src/engine/bodies/incoming-bodies.ts';
import { largeBodyLimits } from '../../../../src/engine/bodies/limits.ts';
import { ImapDesk } from '../../../../src/engine/mailbox/imap/desk.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import type { OpenShard } from '../../../../src/engine/shards.ts';
import { Shard } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { type Chance, SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { SeededClock, turns } from '../../../support/seeded-clock.ts';

const account = 1 as AccountId;
const owner: PackedOwner = [account, defaultTenant, 0];
const bytesMax = 2_000_000;
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
