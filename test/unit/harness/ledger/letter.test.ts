/**
 * Aim: a delay is no bounce: a notice says of each recipient what it says (RFC 3464), and a message is told from both.
 * Method: messages and notices entered into a ledger in a temporary folder.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { enterArrival } from '../../../../src/harness/ledger/arrival.ts';
import type { LedgerEntries } from '../../../../src/harness/ledger/entries.ts';
import { LedgerReader } from '../../../../src/harness/ledger/ledger-reader.ts';
import { LedgerWriter } from '../../../../src/harness/ledger/ledger-writer.ts';
import { readLetter } from '../../../../src/harness/ledger/letter.ts';
import { bodyHash, markLine } from '../../../../src/harness/ledger/mark.ts';
import { type DsnAction, writeReport } from '../../../../src/mail/formats/dsn/report.ts';

const body = 'hello\r\n';
const sha256 = bodyHash(Buffer.from(body));
const message = `${markLine({ id: 'm1', sha256 })}Subject: x\r\n\r\n${body}`;

function noticeOf(...fates: readonly (readonly [address: string, action: DsnAction])[]): Buffer {
  const { parts } = writeReport({
    ...{ id: 'n', hostname: 'mx.test', nowMs: 0, boundary: '=_b', to: 's@x', arrivalMs: 0 },
    ...{ ret: 'hdrs', smtputf8: false, original: [Buffer.from(message)] },
    recipients: fates.map(([finalRecipient, action]) => ({
      ...{ finalRecipient, action, status: '4.0.0', diagnostic: '', lastAttemptMs: 0 },
    })),
  });
  return Buffer.concat(parts);
}

/** What each message came to, and the entries it left. */
function entered(context: TestContext, ...mail: readonly (readonly [sender: string, Buffer])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const ledger = new LedgerWriter(folder);
  const came = mail.map(([sender, bytes]) =>
    enterArrival(bytes, { sender, recipients: ['s@x'], via: 'sink' }, ledger),
  );
  ledger.close();
  const entries: string[] = [];
  new LedgerReader(folder).readNew({
    add: (kind, entry) => {
      const { event = '' } = entry as Partial<LedgerEntries['reported']>;
      entries.push(`${kind} ${entry.id} ${entry.to.join(' ')} ${event}`.trimEnd());
    },
    addMalformed: (kind, line) => entries.push(`malformed ${kind} ${line}`),
  });
  return { came, entries };
}

test('a notice that one recipient failed and others did not says so of each', (context) => {
  const fates = [
    ...([['a@x', 'failed'] as const, ['b@x', 'delayed'] as const] as const),
    ...([['c@x', 'delivered'] as const, ['d@x', 'failed'] as const] as const),
  ];
  const { came, entries } = entered(context, ['', noticeOf(...fates)]);
  assert.deepEqual(came, ['bounced']);
  assert.deepEqual(entries, [
    'bounced m1 a@x d@x',
    'reported m1 c@x delivered',
    'reported m1 b@x delayed',
  ]);
});

test('a notice of a delay is no bounce', (context) => {
  const { came, entries } = entered(context, ['', noticeOf(['a@x', 'delayed'])]);
  assert.deepEqual(came, ['noticed']);
  assert.deepEqual(entries, ['reported m1 a@x delayed']);
});

test('a bounce in a form of its own names nobody; a message that quotes another is none', (context) => {
  const quoting = Buffer.from(`Subject: Sorry\r\n\r\nYour message:\r\n\r\n${message}`);
  const { came, entries } = entered(context, ['', quoting], ['friend@x', quoting]);
  assert.deepEqual(came, ['bounced', 'unmarked']);
  assert.deepEqual(entries, ['bounced m1']);
});

test('in a mailbox, where no reverse path is known, the field the last server wrote tells it', () => {
  const quoting = Buffer.from(`Subject: Sorry\r\n\r\n${message}`);
  assert.equal(readLetter(quoting), undefined);
  const bounce = Buffer.concat([Buffer.from('Return-Path: <>\r\n'), quoting]);
  assert.deepEqual(readLetter(bounce), { kind: 'notice', id: 'm1', recipients: undefined });
  assert.deepEqual(readLetter(Buffer.from(message)), { kind: 'message', id: 'm1', sha256 });
  assert.equal(readLetter(noticeOf(['a@x', 'failed']))?.kind, 'notice');
});
