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
