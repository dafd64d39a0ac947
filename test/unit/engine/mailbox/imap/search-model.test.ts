/**
 * Aim: columns, looks at octets and reading ahead change nothing of what a search finds.
 * Method: random mailboxes of odd messages (charsets, encodings, markup, folds, enclosed messages, long and lost
 *      headers, rows that stand in the journal) and random criteria, many of them with pieces of the messages' own
 *      texts, against a look at one message after the other. Each is asked cold and warm, while messages come and go.
 *      The seed is in the test's name.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchWants } from '../../../../../src/actors/asks/imap-search-asks.ts';
import { DerivedMemory } from '../../../../../src/engine/mailbox/derived-memory.ts';
import { Columns } from '../../../../../src/engine/mailbox/imap/columns.ts';
import { search } from '../../../../../src/engine/mailbox/imap/search.ts';
import { SearchedText } from '../../../../../src/engine/mailbox/imap/search-text.ts';
import { textBytesMax } from '../../../../../src/engine/mailbox/imap/text-column.ts';
import { idsOf } from '../../../../../src/engine/mailbox/rows/uid-ranges.ts';
import {
  envelopeField,
  envelopePlaces,
} from '../../../../../src/mail/formats/mime/envelope-text.ts';
import { summarise } from '../../../../../src/mail/formats/mime/summary.ts';
import { Needle } from '../../../../../src/mail/formats/text/needle.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../mailbox-world.ts';
import { ImapWorld } from './imap-world.ts';

const dayMs = 86_400_000;

const texts = [
  'pear',
  'Apfel',
  'Grüße',
  'ДОМ',
  'ｗｉｄｅ',
  'a=b',
  '&amp;',
  '<b>bo</b>ld',
  'ｶﾅ',
  'ßtraße',
];
const charsets = [
  'utf-8',
  'us-ascii',
  'iso-8859-1',
  'utf-16le',
  'x-nobody',
  'koi8-r',
  'iso-2022-jp',
  '',
];
const encodings = ['7bit', '8bit', 'base64', 'quoted-printable', 'x-odd', 'BASE64'];
const subtypes = ['plain', 'html', 'plain', 'enriched', 'HTML'];

class Pen {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!;
  }

  odds(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  words(count: number): string {
    return Array.from({ length: count }, () => this.pick(texts)).join(
      this.pick([' ', ' ', ', ', '']),
    );
  }

  value(): string {
    const text = this.words(1 + this.#random.below(3));
    if (this.odds(3)) return `=?utf-8?b?${Buffer.from(text).toString('base64')}?=`;
    if (this.odds(4)) return text.replaceAll(' ', '\r\n ');
    return this.odds(6) ? `  ${text} \t` : text;
  }

  header(): string {
    let head = '';
    if (this.odds(2)) head += `X-Extra${this.pick([':', ' : ', ':'])}${this.value()}\r\n`;
    if (this.odds(3)) head += `x-extra: ${this.value()}\r\nX-Extra-More: pear\r\n`;
    if (!this.odds(6)) head += `Subject: ${this.value()}\r\n`;
    if (this.odds(4)) head += `X-Long: ${'filler '.repeat(this.pick([100, 800, 4_000]))}\r\n`;
    head += `From: ${this.value().replaceAll(',', '')} <s${this.#random.below(3)}@X.test>\r\n`;
    if (this.odds(2)) {
      const count = this.pick([1, 2, 60, 1_500]);
      const all = Array.from({ length: count }, (_, i) => `"P ${i}" <p${i}@y.test>`);
      head += `To: ${all.join(',\r\n ')}\r\n`;
    }
    if (this.odds(3)) head += `Date: Thu, ${1 + this.#random.below(9)} Jan 2026 00:30:00 +0300\r\n`;
    if (this.odds(5)) head += `Subject: second ${this.value()}\r\n`;
    return head;
  }

  part(depth: number): string {
    if (depth > 0 && this.odds(5)) {
      const inner = Array.from({ length: 2 }, () => `--b${depth}\r\n${this.part(depth - 1)}\r\n`);
      return `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n${inner.join('')}--b${depth}--\r\n`;
    }
    if (depth > 0 && this.odds(8)) {
      return `Content-Type: message/rfc822\r\n\r\n${this.header()}${this.part(depth - 1)}`;
    }
    if (this.odds(8)) {
      return `Content-Type: image/png; name="(\\"text\\" "\r\nContent-Transfer-Encoding: base64\r\n\r\ncGVhcg==\r\n`;
    }
    return this.text();
  }

  text(): string {
    const [charset, encoding] = [this.pick(charsets), this.pick(encodings)];
    const text = `${this.words(3)}\r\n${this.words(2)}`;
    const bytes = charset === 'utf-16le' ? Buffer.from(text, 'utf16le') : Buffer.from(text);
    const type = this.odds(5) ? '' : `Content-Type: text/${this.pick(subtypes)}`;
    const named =
      type === '' || charset === '' ? '' : `; ${this.pick(['charset', 'Charset'])}=${charset}`;
    const head = type === '' ? '' : `${type}${named}\r\n`;
    return `${head}Content-Transfer-Encoding: ${encoding}\r\n\r\n${coded(bytes, encoding)}\r\n`;
  }

  message(): Buffer {
    if (this.odds(25)) return Buffer.from(`\r\n${this.words(3)}\r\n`);
    const bytes = Buffer.from(`${this.header()}${this.part(2)}`);
    return this.odds(10)
      ? Buffer.from(bytes.toString('latin1').replaceAll('\r', ''), 'latin1')
      : bytes;
  }
}

function coded(bytes: Buffer, encoding: string): string {
  if (encoding.toLowerCase() === 'base64') return bytes.toString('base64');
  if (encoding !== 'quoted-printable') return bytes.toString();
  const hex = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return [...bytes]
    .map((byte) => (byte > 126 || byte === 61 ? hex(byte) : String.fromCharCode(byte)))
    .join('');
}

interface Known {
  /** As stored. */
  readonly bytes: Buffer;
  readonly envelope: Buffer;
  readonly sentMs: number | undefined;
  readonly internalMs: number;
  readonly isSeen: boolean;
}

function matches(known: Known, criteria: Criteria): boolean {
  switch (criteria.op) {
    case 'and':
      return criteria.keys.every((key) => matches(known, key));
    case 'or':
      return matches(known, criteria.left) || matches(known, criteria.right);
    case 'not':
      return !matches(known, criteria.key);
    case 'flag':
      return known.isSeen === criteria.isSet;
    case 'size':
      return criteria.test === 'larger'
        ? known.bytes.length > criteria.bytes
        : known.bytes.length < criteria.bytes;
    case 'date': {
      const zoneMs = known.sentMs === undefined ? 0 : 3 * 3_600_000;
      const ms =
        criteria.of === 'sent' ? (known.sentMs ?? known.internalMs) + zoneMs : known.internalMs;
      const day = Math.floor(ms / dayMs);
      if (criteria.test === 'before') return day < criteria.day;
      return criteria.test === 'on' ? day === criteria.day : day >= criteria.day;
    }
    case 'text':
    case 'header': {
      const name = criteria.op === 'header' ? criteria.field : criteria.place.toUpperCase();
      const place = envelopePlaces[name as 'SUBJECT'] as 1 | undefined;
      const needle = new Needle(criteria.text);
      const isAddress = ['FROM', 'TO', 'CC', 'BCC'].includes(name);
      if (place === undefined || (criteria.op === 'header' && isAddress)) {
        return new SearchedText().open(known.bytes).holds(criteria, needle);
      }
      const field = envelopeField(known.envelope, place);
      return field !== undefined && needle.isIn(field);
    }
    default:
      return assert.fail(criteria.op);
  }
}

const places = ['subject', 'from', 'to', 'body', 'text', 'body', 'text'] as const;
const fields = ['X-EXTRA', 'X-LONG', 'SUBJECT', 'FROM', 'TO', 'MESSAGE-ID', 'DATE', 'X EXTRA'];

class Asker {
  readonly #random: SeededRandom;
  readonly #pen: Pen;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#pen = new Pen(random);
  }

  /** Now and then a piece of what stands in a message, as octets or decoded. */
  text(knowns: readonly Known[]): string {
    const pen = this.#pen;
    if (pen.odds(8)) return '';
    if (pen.odds(3))
      return pen.pick([...texts, 'nowhere', 'wide', 'STRASSE', 'bold', 'pear apfel', ': ']);
    const { bytes } = pen.pick(knowns);
    const from = this.#random.below(Math.min(bytes.length, 3_000));
    const length = 1 + this.#random.below(12);
    return bytes.toString(pen.pick(['latin1', 'utf8'] as const), from, from + length);
  }

  criteria(knowns: readonly Known[], depth = 2): Criteria {
    const inner = () => this.criteria(knowns, depth - 1);
    const test = this.#pen.pick(['before', 'on', 'since'] as const);
    const day = Math.floor(Date.UTC(2026, 0, 1) / dayMs) + this.#random.below(9);
    switch (this.#random.below(depth === 0 ? 9 : 13)) {
      case 0:
        return { op: 'flag', bit: 0, isSet: this.#pen.odds(2) };
      case 1:
        return { op: 'size', test: this.#pen.pick(['larger', 'smaller'] as const), bytes: 700 };
      case 2:
        return { op: 'date', of: this.#pen.pick(['sent', 'internal'] as const), test, day };
      case 3:
      case 4:
        return { op: 'header', field: this.#pen.pick(fields), text: this.text(knowns) };
      case 9:
        return { op: 'not', key: inner() };
      case 10:
        return { op: 'or', left: inner(), right: inner() };
      case 11:
      case 12:
        return { op: 'and', keys: [inner(), inner(), inner()] };
      default:
        return { op: 'text', place: this.#pen.pick(places), text: this.text(knowns) };
    }
  }
}

class Model {
  readonly world = new ImapWorld();
  /** By UID. */
  readonly knowns = new Map<number, Known>();
  isCold = false;
  readonly #random: SeededRandom;
  readonly #pen: Pen;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#pen = new Pen(random);
    // At times some of what a search reads is not at hand.
    this.world.shard.isWarm = () => !this.isCold || !this.#pen.odds(9);
  }

  async deliver(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const bytes = this.#pen.message();
      this.world.nowMs += this.#random.below(dayMs / 20);
      const outcome = await this.world.deliver(bytes);
      assert.ok(outcome.ok);
      const parsed = await this.world.reader.parsed(account, outcome.document);
      const row = this.world.reader.document(account, outcome.document)!;
      const { envelope, sort } = summarise(bytes);
      assert.deepEqual(Buffer.from(parsed!.envelope), Buffer.from(envelope));
      this.knowns.set(outcome.uid, {
        bytes: Buffer.from(await this.world.shard.read(row.place)),
        envelope: Buffer.from(envelope),
        sentMs: sort.sentMs,
        internalMs: row.internalMs,
        isSeen: false,
      });
    }
  }

  async change(): Promise<void> {
    const uids = [...this.knowns.keys()].filter(() => this.#pen.odds(9));
    for (const uid of uids) {
      if (this.#pen.odds(2)) {
        await this.world.mailboxes.expunge(account, tenant, 1, [uid, uid]);
        this.knowns.delete(uid);
      } else {
        const what = { mailbox: 1, uids: [uid, uid], op: 'add', flags: 1, keywords: [] } as const;
        const more = { modseqs: [], unchangedSince: -1, modified: [] };
        await this.world.mailboxes.storeFlags(account, tenant, { ...what, ...more });
        this.knowns.set(uid, { ...this.knowns.get(uid)!, isSeen: true });
      }
    }
  }

  wanted(criteria: Criteria): number[] {
    return [...this.knowns].flatMap(([uid, known]) => (matches(known, criteria) ? [uid] : []));
  }

  async found(criteria: Criteria, isFromEnd: boolean): Promise<number[]> {
    const uids: number[] = [];
    let cursor = 0;
    for (;;) {
      const how = [searchWants.uids, 0, isFromEnd, cursor] as const;
      const packed = [account, this.world.now(), criteria, [], ...how] as const;
      const { value, body } = await search(this.world.desk, packed, 0);
      const ranges = new Uint32Array(Uint8Array.from(body).buffer);
      uids.push(...idsOf(Array.from(ranges.subarray(0, value.uidsLength))));
      if (value.next === undefined) return uids.sort((a, b) => a - b);
      cursor = value.next;
    }
  }
}

describe('search, as a look at each message', () => {
  for (const seed of [1, 2, 3]) {
    it(`finds the same whatever is kept (seed ${seed})`, async () => {
      const random = new SeededRandom(seed);
      const model = new Model(random);
      const asker = new Asker(random);
      for (let round = 0; round < 3; round++) {
        await model.deliver(50);
        const known = [...model.knowns.values()];
        for (let i = 0; i < 25; i++) {
          const criteria = asker.criteria(known);
          const wanted = model.wanted(criteria);
          const text = JSON.stringify(criteria);
          assert.deepEqual(await model.found(criteria, false), wanted, text);
          model.isCold = !model.isCold;
          assert.deepEqual(await model.found(criteria, true), wanted, `again: ${text}`);
        }
        await model.change();
      }
    });
  }
});

describe('what searches keep', () => {
  it('is bounded, and what came first stays', () => {
    const memory = new DerivedMemory(5_000);
    const columns = new Columns(memory, 4_500);
    const place = { account, mailbox: 1 };
    const one = columns.of(place, 'one');
    for (let number = 0; number < 20; number++) columns.keep(one, number, { bytes: 1_000 });
    assert.deepEqual([...one.blocks.keys()], [0, 1, 2, 3], 'no more than one may have');
    assert.equal(columns.of(place, 'one'), one);
    const two = columns.of(place, 'two');
    columns.keep(two, 0, { bytes: 3_000 });
    assert.notEqual(columns.of(place, 'one'), one, 'what was asked for longest ago went');
    columns.keep(two, 0, { bytes: 4_000 });
    const { bytes } = memory;
    assert.ok(bytes > 4_000 && bytes <= 5_000);
    columns.keep(one, 3, { bytes: 10 });
    assert.equal(memory.bytes, bytes, 'nobody knows of it any more');
    columns.close();
    assert.equal(memory.bytes, 0);
    columns.keep(columns.of(place, 'one'), 3, { bytes: 10 });
    assert.equal(memory.bytes, 0);
  });

  it('has no long texts, and finds them all the same', async () => {
    const world = new ImapWorld();
    const long = 'filler '.repeat(textBytesMax / 7 + 1);
    for (const end of ['pear', 'plum']) {
      await world.deliver(Buffer.from(`Subject: ${long}${end}\r\nX-Extra: ${long}${end}\r\n\r\n`));
    }
    for (const key of [
      { op: 'text', place: 'subject', text: 'filler plum' },
      { op: 'header', field: 'X-EXTRA', text: 'filler plum' },
    ] as const) {
      for (let time = 0; time < 2; time++) {
        const how = [searchWants.uids, 0, false, 0] as const;
        const { value } = await search(world.desk, [account, world.now(), key, [], ...how], 0);
        assert.deepEqual([value.count, value.minUid], [1, 2]);
      }
    }
    assert.ok(world.mailboxes.derived.bytes < textBytesMax);
  });
});
