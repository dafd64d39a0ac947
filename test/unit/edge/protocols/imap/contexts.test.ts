/**
 * Aim: a client that only hears how results change (RFC 5267 §4.3) has at any time what the same search finds anew.
 * Method: random commands of two sessions in memory; one keeps four results by what it is told, in order, numbers and
 *      places as they stand at that time, and compares them with a search after each NOOP. A failure prints the seed.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Answer } from '../../../../../src/actors/ask.ts';
import { imapAsks } from '../../../../../src/actors/asks/imap-asks.ts';
import { contextNumbersMax } from '../../../../../src/actors/asks/imap-search-asks.ts';
import { failure } from '../../../../../src/base/errors.ts';
import type { CommandSession } from '../../../../../src/edge/protocols/imap/command.ts';
import { beginContext, keepContext } from '../../../../../src/edge/protocols/imap/contexts.ts';
import type { SelectedMailbox } from '../../../../../src/edge/protocols/imap/selected.ts';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import type { Criteria } from '../../../../../src/mail/wire/imap/search-keys.ts';
import { ImapClient } from '../../../../support/imap-client.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import type { Response } from '../../../../support/imap-values.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';
import { account, tenant } from '../../../engine/mailbox/mailbox-world.ts';

interface Kept {
  readonly command: string;
  readonly rest: string;
  readonly isSort: boolean;
  readonly isUid: boolean;
  results: number[];
}

const searches = [
  { command: 'UID SEARCH', rest: 'FLAGGED', isSort: false, isUid: true },
  { command: 'SEARCH', rest: 'UNSEEN SUBJECT a', isSort: false, isUid: false },
  { command: 'UID SORT', rest: '(REVERSE SUBJECT) UTF-8 UNDELETED', isSort: true, isUid: true },
  { command: 'SORT', rest: '(SUBJECT) UTF-8 OR FLAGGED SEEN', isSort: true, isUid: false },
];

function connect(fake: FakeImap): ImapClient {
  const { client, far } = ImapClient.inMemory({ isLiteralPlus: true });
  const session = new ImapSession(
    fake.service,
    {
      get unsentBytes() {
        return far.writableLength;
      },
      canStartTls: false,
      write: (bytes) => void far.write(bytes),
      end: (bytes) => void far.end(bytes),
      destroy: () => far.destroy(),
      pause: () => far.pause(),
      resume: () => far.resume(),
      startTls: () => assert.fail('no TLS here'),
    },
    '192.0.2.1',
    { version: 'TLSv1.3', cipher: 'x' },
  );
  far.on('data', (chunk: Buffer) => session.receive(chunk));
  far.on('drain', () => session.drained());
  far.on('close', () => session.closed());
  session.open();
  return client;
}

function numbersOf(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [first, last = first] = range.split(':').map(Number) as [number, number?];
    return Array.from({ length: last! - first + 1 }, (_, i) => first + i);
  });
}

/** A client that believes what it is told, in the order it is told. */
class Following {
  readonly client: ImapClient;
  readonly kept = new Map<string, Kept>();

  constructor(client: ImapClient) {
    this.client = client;
  }

  async begin(): Promise<void> {
    for (const search of searches) {
      const { command, rest } = search;
      const { tagged, untagged } = await this.client.run(`${command} RETURN (UPDATE ALL) ${rest}`);
      assert.match(tagged.raw, / OK /);
      const all = / ALL (\S+)/.exec(untagged.find(({ name }) => name === 'ESEARCH')!.raw);
      const results = all === null ? [] : numbersOf(all[1]!);
      this.kept.set(tagged.tag, { ...search, results });
    }
  }

  async run(command: string, ...more: Buffer[]): Promise<void> {
    const { untagged } = await this.client.run(command, ...more);
    for (const response of untagged) this.#hear(response);
  }

  #hear({ name, number, raw }: Response): void {
    if (name === 'EXPUNGE') this.#expunge(number);
    const change = /^\* ESEARCH \(TAG "(\w+)"\)(?: UID)? (ADDTO|REMOVEFROM) \((.*)\)$/.exec(raw);
    if (change === null) return;
    const [, tag, kind, list] = change as unknown as [string, string, string, string];
    const kept = this.kept.get(tag)!;
    const words = list.split(' ');
    for (let i = 0; i < words.length; i += 2) {
      const [place, numbers] = [Number(words[i]), numbersOf(words[i + 1]!)];
      if (kind === 'ADDTO') add(kept, place, numbers);
      else remove(kept, place, numbers);
    }
  }

  #expunge(number: number): void {
    for (const kept of this.kept.values()) {
      if (kept.isUid) continue;
      assert.ok(!kept.results.includes(number), 'what goes was taken out before');
      kept.results = kept.results.map((one) => (one > number ? one - 1 : one));
    }
  }

  async check(where: string): Promise<void> {
    await this.run('NOOP');
    for (const [tag, { command, rest, results }] of this.kept) {
      const { untagged } = await this.client.run(`${command} RETURN (ALL) ${rest}`);
      const all = / ALL (\S+)/.exec(untagged.find(({ name }) => name === 'ESEARCH')!.raw);
      assert.deepEqual(results, all === null ? [] : numbersOf(all[1]!), `${where}: ${tag} ${rest}`);
    }
  }
}

function add(kept: Kept, place: number, numbers: readonly number[]): void {
  assert.equal(place > 0, kept.isSort, 'places stand with SORT alone');
  if (kept.isSort) kept.results.splice(place - 1, 0, ...numbers);
  else kept.results = [...kept.results, ...numbers].sort((a, b) => a - b);
}

function remove(kept: Kept, place: number, numbers: readonly number[]): void {
  for (const [i, number] of numbers.entries()) {
    const at = kept.isSort ? place - 1 : kept.results.indexOf(number);
    assert.equal(kept.results[at], number, `${number} is in the results at ${i}`);
    kept.results.splice(at, 1);
  }
}

const flags = ['\\Seen', '\\Flagged', '\\Deleted', '$Work'];

async function step(
  random: SeededRandom,
  run: (command: string, ...more: Buffer[]) => Promise<unknown>,
) {
  const first = 1 + random.below(12);
  const set = `${first}:${first + random.below(4)}`;
  const kind = random.below(6);
  if (kind === 0) {
    const subject = 'abc'[random.below(3)]!.repeat(1 + random.below(2));
    const flag = random.below(2) === 0 ? '(\\Flagged) ' : '';
    await run(`APPEND INBOX ${flag}`, Buffer.from(`Subject: ${subject}\r\n\r\ny\r\n`));
  } else if (kind === 1) await run('EXPUNGE');
  else if (kind === 2) await run(`UID MOVE ${set} Archive`);
  else {
    const sign = random.below(3) > 0 ? '+' : '-';
    await run(`UID STORE ${set} ${sign}FLAGS.SILENT (${flags[random.below(flags.length)]})`);
  }
}

for (const seed of [1, 2, 3, 4]) {
  it(`results follow their mailbox as they are told (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    const fake = new FakeImap();
    for (let i = 0; i < 3; i++) await fake.world.deliver();
    const follower = new Following(connect(fake));
    const other = connect(fake);
    for (const client of [follower.client, other]) {
      await client.response();
      await client.ok('LOGIN alice@local.test secret');
      await client.ok('SELECT INBOX');
    }
    await follower.begin();
    for (let at = 0; at < 100; at++) {
      const isOwn = random.below(2) === 0;
      await step(random, (command, ...more) => (isOwn ? follower : other).run(command, ...more));
      if (random.below(3) === 0) await follower.check(`seed ${seed} step ${at}`);
    }
    await follower.check(`seed ${seed} end`);
    follower.client.destroy();
    other.destroy();
  });
}

it('updates end where it cannot be found out what changed: a number must be told before its expunge', async () => {
  const fake = new FakeImap();
  fake.hideRecent();
  for (let i = 0; i < 3; i++) await fake.world.deliver();
  const client = connect(fake);
  await client.response();
  await client.ok('LOGIN alice@local.test secret');
  await client.ok('SELECT INBOX');
  const { tagged } = await client.run('SEARCH RETURN (UPDATE) ALL');
  fake.answers.set(imapAsks.context, failure('store-busy', 'not now'));
  await fake.world.mailboxes.expunge(account, tenant, 1, [2, 2]);
  const told = await client.run('NOOP');
  const raw = told.untagged.map((one) => one.raw).join('\n');
  assert.match(raw, new RegExp(`^\\* 2 EXPUNGE\\n\\* NO \\[NOUPDATE "${tagged.tag}"\\]`));
  fake.answers.clear();
  await fake.world.deliver();
  const later = await client.run('NOOP');
  assert.deepEqual(
    later.untagged.map(({ name }) => name),
    ['EXISTS'],
  );
  client.destroy();
});

it('a search whose numbers cannot be looked up, or are too many, is not kept', async () => {
  const many = Uint32Array.from({ length: 2 * contextNumbersMax }, (_, i) => 2 * (i >> 1) + 1);
  const found = { count: many.length / 2, uidsLength: many.length, modseq: 0, looked: 0 };
  const value = { ...found, minUid: 1, maxUid: 9, min: 1, max: 9 };
  const few: Answer = { ok: true, value: { ...value, uidsLength: 2 }, body: octets([1, 2]) };
  const answers: readonly Answer[] = [
    failure('store-busy', 'not now'),
    { ok: true, value, body: octets(many) },
    few,
  ];
  for (const answer of answers) {
    let [said, underWay] = ['', 0];
    const writer = new ResponseWriter();
    const session = {
      ...{ isEnded: false, service: { clock: { monotonicMs: () => 0 }, writer } },
      ask: async () => {
        assert.equal(++underWay, 1, 'one set after the other');
        await new Promise((resolve) => setImmediate(resolve));
        underWay--;
        return answer;
      },
      respond: (write: (to: ResponseWriter) => void) => {
        write(writer);
        said += Buffer.concat(writer.take()).toString();
      },
    } as unknown as CommandSession;
    const box = { owner: { id: 1 }, mailbox: 1, count: 9, saved: [], modseq: 1 };
    const known = { ...box, contexts: [], flagModseq: 1, uidNext: 9 };
    const selected = known as unknown as SelectedMailbox;
    const set: Criteria = { op: 'set', isUid: false, isSaved: false, ranges: [1, 2] };
    const criteria: Criteria = { op: 'and', keys: [set, { op: 'not', key: set }] };
    const begun = { tag: 'a1', isUid: true, criteria, order: null };
    keepContext(session, selected, await beginContext(session, selected, begun), [1, 1]);
    if (answer === few) assert.equal(selected.contexts.length, 1);
    else assert.match(said, /^\* NO \[NOUPDATE "a1"\]/);
  }
});

function octets(numbers: ArrayLike<number>): Uint8Array {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}
