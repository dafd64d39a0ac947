/**
 * Aim: entries come back from a ledger folder as they went in, while it is written and by whomever.
 * Method: writers and readers over one temporary folder.
 */

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { EntryKind, LedgerEntries } from '../../../../src/harness/ledger/entries.ts';
import { importFolder } from '../../../../src/harness/ledger/import-folder.ts';
import { accountOf } from '../../../../src/harness/ledger/ledger-folder.ts';
import { LedgerReader } from '../../../../src/harness/ledger/ledger-reader.ts';
import { LedgerWriter } from '../../../../src/harness/ledger/ledger-writer.ts';
import { bodyHash, markLine } from '../../../../src/harness/ledger/mark.ts';

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

class Collected {
  readonly ids: string[] = [];
  readonly malformed: string[] = [];

  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void {
    this.ids.push(`${kind} ${entry.id}`);
  }

  addMalformed(kind: EntryKind, line: string): void {
    this.malformed.push(`${kind} ${line}`);
  }
}

const refused = (id: string) => ({ id, to: ['ü@example.com'], reply: '550 no', atMs: 1 });

test('two writers share a folder and a reader sees each entry once', (context) => {
  const folder = folderFor(context);
  const first = new LedgerWriter(folder);
  const second = new LedgerWriter(folder);
  const reader = new LedgerReader(folder);
  const seen = new Collected();
  first.append('refused', refused('a'));
  second.append('refused', refused('b'));
  first.flush();
  assert.equal(reader.readNew(seen), 1);
  second.append('bounced', { id: 'c', to: [], atMs: 1 });
  second.close();
  first.append('refused', refused('d'));
  first.close();
  assert.equal(reader.readNew(seen), 3);
  assert.equal(reader.readNew(seen), 0);
  assert.deepEqual(seen.ids, ['refused a', 'refused b', 'refused d', 'bounced c']);
});

test('a line is given out only when its end has been written', (context) => {
  const folder = folderFor(context);
  const file = join(folder, 'arrived.jsonl');
  const line = JSON.stringify({ id: 'a', sha256: '', to: [], via: '', atMs: 0 });
  const reader = new LedgerReader(folder);
  const seen = new Collected();
  appendFileSync(file, line.slice(0, 9));
  assert.equal(reader.readNew(seen), 0);
  appendFileSync(file, `${line.slice(9)}\nnonsense\n`);
  assert.equal(reader.readNew(seen), 2);
  assert.deepEqual(seen.ids, ['arrived a']);
  assert.deepEqual(seen.malformed, ['arrived nonsense']);
});

test('lines longer than a read come through whole', (context) => {
  const folder = folderFor(context);
  const writer = new LedgerWriter(folder);
  writer.append('refused', { ...refused('long'), reply: 'x'.repeat(3_000_000) });
  writer.append('refused', refused('short'));
  writer.close();
  const seen = new Collected();
  assert.equal(new LedgerReader(folder).readNew(seen), 2);
  assert.deepEqual(seen.ids, ['refused long', 'refused short']);
});

test('an exported mailbox counts as arrivals, its unmarked mail does not', (context) => {
  const folder = folderFor(context);
  const mail = join(folder, 'mail', 'INBOX');
  mkdirSync(mail, { recursive: true });
  const body = 'hello\r\n';
  const mark = markLine({ id: 'm1', sha256: bodyHash(Buffer.from(body)) });
  writeFileSync(join(mail, '1.eml'), `Received: x\r\n${mark}Subject: a\r\n\r\n${body}`);
  writeFileSync(join(mail, '3.eml'), `${mark}Subject: again\r\n\r\n${body}`);
  writeFileSync(join(mail, '2.eml'), 'Subject: welcome\r\n\r\nhello\r\n');
  const ledger = new LedgerWriter(join(folder, 'ledger'));
  const counts = importFolder(join(folder, 'mail'), 'ann@example.com', ledger);
  ledger.close();
  assert.deepEqual(counts, { arrived: 2, unmarked: 1, repeated: 1 });
  const seen = new Collected();
  new LedgerReader(join(folder, 'ledger')).readNew(seen);
  assert.deepEqual(seen.ids, ['arrived m1', 'arrived m1']);
});

/** Three sessions' worth of everything that can happen, written as the load and the sinks write it. */
function writeLedger(folder: string, count: number): void {
  const ledger = new LedgerWriter(folder);
  for (let at = 0; at < count; at++) {
    const id = `run-${at.toString(36).padStart(8, '0')}`;
    const to = [`user${at % 7}@example.com`];
    const sentMs = 1_000 + at;
    const session = `run.${at % 3}`;
    ledger.append('injected', { id, sha256: 'x', bytes: 1, to, intendedMs: 900 + at, session });
    ledger.append('acknowledged', { id, to, sentMs, atMs: sentMs + 1 });
    // Every eleventh overtakes those before it, every thirteenth is lost, every seventeenth comes twice.
    const atMs = 5_000 + at - (at % 11 === 0 ? 500 : 0);
    const times = at % 13 === 0 ? 0 : at % 17 === 0 ? 2 : 1;
    for (let time = 0; time < times; time++) {
      ledger.append('arrived', { id, sha256: at % 19 === 0 ? 'y' : 'x', to, via: 'sink', atMs });
    }
    if (at % 23 === 0) ledger.append('bounced', { id, to, atMs });
    if (at % 5 === 0) ledger.append('reported', { id, to, event: 'delayed', by: 'notice', atMs });
  }
  ledger.append('arrived', { id: 'stranger', sha256: 'x', to: ['a@b'], via: 'sink', atMs: 1 });
  ledger.close();
  appendFileSync(join(folder, 'arrived.jsonl'), 'nonsense\n{"id":"run-00000001",\n');
  // Written by somebody else: another order of keys, an id with an escape.
  appendFileSync(join(folder, 'arrived.jsonl'), '{"to":["c@d"],"id":"other"}\n');
  appendFileSync(join(folder, 'arrived.jsonl'), '{"id":"\\u006fther","to":["c@d"]}\n');
}

test('joined in many small parts, a ledger comes to the account it has as a whole', (context) => {
  const folder = folderFor(context);
  writeLedger(folder, 2_000);
  const whole = accountOf(folder);
  assert.partialDeepStrictEqual(whole, { messages: 2_000, malformed: 2, unexplained: 2 });
  assert.ok(whole.lost > 100 && whole.duplicated > 100 && whole.reordered > 100, 'all is found');
  for (const bytesMax of [100_000, 7_000]) {
    const { examples, ...counts } = accountOf(folder, bytesMax);
    const { examples: ofWhole, ...countsOfWhole } = whole;
    assert.deepEqual(counts, countsOfWhole);
    // Which ones are shown first is chance; how many is not, and each is one of those found.
    for (const [finding, shown] of Object.entries(examples)) {
      assert.equal(shown.length, ofWhole[finding as 'lost'].length, finding);
    }
    assert.ok(examples.reordered.every((id) => /^run-/.test(id)));
  }
});

test('a part holds no more messages than its share', (context) => {
  const folder = folderFor(context);
  writeLedger(folder, 2_000);
  const ids = new Set<string>();
  const counts: number[] = [];
  for (let index = 0; index < 10; index++) {
    const part = new Set<string>();
    new LedgerReader(folder, { index, count: 10 }).readNew({
      add: (_, { id }) => part.add(id),
      addMalformed: () => {},
    });
    counts.push(part.size);
    for (const id of part) {
      assert.ok(!ids.has(id), `${id} is in one part only`);
      ids.add(id);
    }
  }
  assert.equal(ids.size, 2_002);
  assert.ok(Math.max(...counts) < 300 && Math.min(...counts) > 120, counts.join(' '));
});
