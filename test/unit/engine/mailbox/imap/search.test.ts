/**
 * Aim: a search finds just the messages that hold what is looked for, wherever and however it is written, in whatever
 *      pieces it is asked for (RFC 9051 §6.4.4).
 * Method: random messages whose texts are known before they are encoded, and random criteria, against a plain look at
 *      those texts; large messages against small ones of the same text.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchWants } from '../../../../../src/actors/asks/imap-search-asks.ts';
import { FoundSet, numbersOf, uidsOf } from '../../../../../src/engine/mailbox/imap/found-set.ts';
import { search } from '../../../../../src/engine/mailbox/imap/search.ts';
import { planOf } from '../../../../../src/engine/mailbox/imap/search-plan.ts';
import { SearchWalk } from '../../../../../src/engine/mailbox/imap/search-walk.ts';
import { Slices } from '../../../../../src/engine/mailbox/imap/slices.ts';
import { ViewBuilder } from '../../../../../src/engine/mailbox/imap/view.ts';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import { casemap } from '../../../../../src/mail/formats/text/casemap.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

interface Known {
  readonly subject: string;
  readonly from: string;
  readonly extra: string;
  readonly body: string;
}

const words = ['pear', 'Apfel', 'grüße', 'ДОМ', 'a=b', '<tag>', 'long word', '"quoted"', 'qq'];
const encodings = ['7bit', 'base64', 'quoted-printable'] as const;

function pick<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.below(list.length)]!;
}

function encoded(text: string, encoding: string): string {
  const bytes = Buffer.from(text);
  if (encoding === 'base64') return bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n');
  if (encoding !== 'quoted-printable') return text;
  const escaped = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return [...bytes]
    .map((byte) => (byte > 126 || byte === 61 ? escaped(byte) : String.fromCharCode(byte)))
    .join('');
}

function part(random: SeededRandom, text: string): string {
  const encoding = pick(random, encodings);
  const type = `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}`;
  return `${type}\r\n\r\n${encoded(text, encoding)}\r\n`;
}

function message(random: SeededRandom): { readonly known: Known; readonly bytes: Buffer } {
  const texts = Array.from({ length: 4 }, () => `${pick(random, words)} ${pick(random, words)}`);
  const [subject, name, extra, body] = texts as [string, string, string, string];
  const word = (text: string) => `=?utf-8?b?${Buffer.from(text).toString('base64')}?=`;
  const head =
    `Subject: ${random.below(2) === 0 ? word(subject) : subject}\r\n` +
    `From: ${word(name)} <s${random.below(3)}@x.test>\r\nX-Extra: ${extra}\r\n`;
  const isMixed = random.below(3) === 0;
  const text = isMixed
    ? `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${part(random, body)}--b\r\n` +
      `Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\ncGVhcg==\r\n--b--\r\n`
    : `${head}${part(random, body)}`;
  return { known: { subject, from: name, extra, body }, bytes: Buffer.from(text) };
}

const fold = casemap;

function holds(known: Known, isSeen: boolean, criteria: Criteria): boolean {
  switch (criteria.op) {
    case 'and':
      return criteria.keys.every((key) => holds(known, isSeen, key));
    case 'or':
      return holds(known, isSeen, criteria.left) || holds(known, isSeen, criteria.right);
    case 'not':
      return !holds(known, isSeen, criteria.key);
    case 'flag':
      return isSeen === criteria.isSet;
    case 'header':
      return fold(known.extra).includes(fold(criteria.text));
    case 'text': {
      const { subject, from, body, extra } = known;
      const all = { subject, from, body, text: [subject, from, extra, body].join('\n') };
      return fold(all[criteria.place as 'subject']).includes(fold(criteria.text));
    }
    default:
      return assert.fail(criteria.op);
  }
}

function randomCriteria(random: SeededRandom, depth = 2): Criteria {
  const inner = () => randomCriteria(random, depth - 1);
  const kind = random.below(depth === 0 ? 5 : 8);
  const text = pick(random, [...words, 'PEAR APFEL', 'nowhere', 'дом', 'GRÜSSE']);
  if (kind === 0) return { op: 'flag', bit: 0, isSet: random.below(2) === 0 };
  if (kind === 1) return { op: 'header', field: 'X-EXTRA', text };
  if (kind < 5)
    return { op: 'text', place: pick(random, ['subject', 'from', 'body', 'text'] as const), text };
  if (kind === 5) return { op: 'not', key: inner() };
  if (kind === 6) return { op: 'or', left: inner(), right: inner() };
  return { op: 'and', keys: [inner(), inner()] };
}

async function filled(random: SeededRandom, count: number) {
  const world = new ImapWorld();
  const knowns: Known[] = [];
  for (let i = 0; i < count; i++) {
    const { known, bytes } = message(random);
    knowns.push(known);
    await world.deliver(bytes);
  }
  const uids = knowns.map((_, i) => i + 1).filter(() => random.below(2) === 0);
  await store(world, uids);
  return { world, knowns, seen: new Set(uids) };
}

async function store(world: ImapWorld, uids: readonly number[]): Promise<void> {
  const ranges = uids.flatMap((uid) => [uid, uid]);
  const change = { mailbox: 1, uids: ranges, op: 'add', flags: 1, keywords: [] } as const;
  const more = { modseqs: [], unchangedSince: -1, modified: [] };
  await world.mailboxes.storeFlags(account, 0 as never, { ...change, ...more });
}

async function foundBy(world: ImapWorld, criteria: Criteria): Promise<number[]> {
  const how = [searchWants.uids, 0, false, 0] as const;
  const { value, body } = await search(world.desk, [account, world.now(), criteria, [], ...how], 0);
  assert.equal(value.next, undefined);
  const ranges = new Uint32Array(Uint8Array.from(body).buffer);
  return [...idsOf(Array.from(ranges.subarray(0, value.uidsLength)))];
}

describe('search', () => {
  for (const seed of [1, 2, 3]) {
    it(`finds what is there in any encoding (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const { world, knowns, seen } = await filled(random, 60);
      for (let i = 0; i < 60; i++) {
        const criteria = randomCriteria(random);
        const wanted = knowns.flatMap((known, at) =>
          holds(known, seen.has(at + 1), criteria) ? [at + 1] : [],
        );
        assert.deepEqual(await foundBy(world, criteria), wanted, JSON.stringify(criteria));
      }
    });
  }

  it('finds the same piece by piece, from either end', async () => {
    const random = new SeededRandom(7);
    const { world, seen } = await filled(random, 400);
    const place = { account, mailbox: 1 };
    const [, modseq, uidNext] = world.now();
    const view = await world.desk.views.view({ ...place, modseq, uidNext });
    const criteria: Criteria = { op: 'flag', bit: 0, isSet: true };
    for (const isFromEnd of [false, true]) {
      const found: number[] = [];
      let cursor = 0;
      let pieces = 0;
      for (;;) {
        const plan = planOf(world.shard, place, criteria, view, []);
        const how = { enough: Number.POSITIVE_INFINITY, isFromEnd, cursor, turnMsMax: 0 };
        const walk = new SearchWalk(world.desk, place, view, plan, { ...how, wantsModseq: false });
        await walk.run(new Slices(world.clock));
        found.push(...idsOf(uidsOf(walk.found.view())));
        pieces++;
        if (walk.next === undefined) break;
        cursor = walk.next;
      }
      assert.equal(pieces, 4);
      assert.deepEqual(
        found.sort((a, b) => a - b),
        [...seen].sort((a, b) => a - b),
      );
    }
  });

  it('ends where it found enough', async () => {
    const { world } = await filled(new SeededRandom(8), 300);
    const how = [searchWants.uids, 1, true, 0] as const;
    const { value } = await search(
      world.desk,
      [account, world.now(), { op: 'all' }, [], ...how],
      0,
    );
    assert.equal(value.maxUid, 300);
    assert.ok(value.looked < 128, 'the last block alone was looked at');
  });

  it('ends at its deadline', async () => {
    const { world } = await filled(new SeededRandom(9), 3);
    world.clock.monotonicMs = () => (world.nowMs += 10);
    const criteria: Criteria = { op: 'text', place: 'body', text: 'nowhere' };
    const packed = [account, world.now(), criteria, [], 0, 0, false, 0] as const;
    await assert.rejects(search(world.desk, packed, world.nowMs - 1), { code: 'deadline-passed' });
  });

  it('tells numbers of a session that still counts what was expunged', () => {
    const session = new ViewBuilder();
    session.addUids([1, 300, 500, 700], 0, 1_000);
    const found = new FoundSet();
    const bits = new Uint8Array(16).fill(0xff);
    found.add(1, bits);
    found.add(4, bits);
    const numbers = numbersOf(found.view(), session.build(1, 1_000));
    assert.deepEqual([...numbers], [128, 255, 313, 440]);
  });
});

describe('search of large messages', () => {
  const filler = `${'lorem ipsum dolor sit amet '.repeat(3)}\r\n`.repeat(9_000);
  const needle = 'the Grüße needle';
  const bodies: Readonly<Record<string, [type: string, encoding: string, text: string]>> = {
    plain: ['text/plain', '8bit', `${filler}${needle}\r\n`],
    base64: ['text/plain', 'base64', `${filler}${needle}\r\n${filler}`],
    quoted: ['text/plain', 'quoted-printable', `${filler}${needle}\r\n`],
    markup: [
      'text/html',
      '8bit',
      `${filler}<p class="nothing here">the <b>Grüße</b> needle</p>\r\n${filler}`,
    ],
    'without line breaks': ['text/plain', 'base64', `${filler.replaceAll('\r\n', ' ')}${needle}`],
  };
  for (const [name, [type, encoding, text]] of Object.entries(bodies)) {
    it(`looks at all of them: ${name}`, async () => {
      const world = new ImapWorld();
      const head =
        'Subject: large\r\nX-Extra: pear\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n';
      const attachment = 'Content-Type: image/png\r\n\r\nhidden needle\r\n';
      const inner = `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
      const parts = `--b\r\n${attachment}--b\r\n${inner}${encoded(text, encoding)}\r\n--b--\r\n`;
      await world.deliver(Buffer.from(head + parts));
      const key = (place: 'body' | 'text', wanted: string): Criteria => ({
        op: 'text',
        place,
        text: wanted,
      });
      assert.deepEqual(await foundBy(world, key('body', 'THE GRÜßE NEEDLE')), [1]);
      assert.deepEqual(await foundBy(world, key('text', 'the grüße needle')), [1]);
      assert.deepEqual(await foundBy(world, key('text', 'X-Extra: pear')), [1]);
      assert.deepEqual(await foundBy(world, key('body', 'hidden needle')), []);
      assert.deepEqual(await foundBy(world, key('body', 'nothing here')), []);
      assert.deepEqual(await foundBy(world, { op: 'header', field: 'X-EXTRA', text: 'PEAR' }), [1]);
      assert.deepEqual(await foundBy(world, { op: 'not', key: key('body', 'needle') }), []);
    });
  }

  it('goes on without one that is expunged, and whose file goes, while another is read', async () => {
    const world = new ImapWorld();
    const bytes = Buffer.from(`Subject: large\r\n\r\n${filler}the needle\r\n`);
    for (let i = 0; i < 3; i++) await world.deliver(bytes);
    const { shard } = world;
    const read = shard.read.bind(shard);
    let isGone = false;
    shard.read = async (...wanted) => {
      if (!isGone) await world.mailboxes.expunge(account, tenant, 1, [2, 2]);
      isGone = true;
      return read(...wanted);
    };
    const lease = shard.lease.bind(shard);
    let held = 0;
    shard.lease = () => {
      held++;
      return lease();
    };
    const key: Criteria = { op: 'text', place: 'body', text: 'the needle' };
    assert.deepEqual(await foundBy(world, key), [1, 3]);
    assert.equal(held, 2, 'what is gone cannot be held');
  });
});
