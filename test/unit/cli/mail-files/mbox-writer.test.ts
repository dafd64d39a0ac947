/** Aim: an mbox goes on behind its last whole message, whatever a killed export left behind it. */

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openMboxWriter } from '../../../../src/cli/mail-files/mbox-writer.ts';

const message = (uid: number) => ({
  uid,
  internalMs: 0,
  flags: ['\\Seen'],
  bytes: Buffer.from(`A: ${uid}\r\n\r\nText\r\n`),
});

it('cuts off what is behind its note, and writes on from the UID it names', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-mbox-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const mailbox = { name: 'A/B', uidValidity: 5 };
  const path = join(folder, 'A', 'B.mbox');
  const first = openMboxWriter(folder, mailbox);
  first.write(message(1));
  first.write(message(4));
  first.close();
  const whole = readFileSync(path, 'utf8');
  appendFileSync(path, 'From MAILER-DAEMON Thu Jan  1 00:0');
  const second = openMboxWriter(folder, mailbox);
  assert.equal(second.firstUid, 5);
  second.write(message(7));
  second.close();
  const from = 'From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nStatus: RO\nX-Status: \n';
  assert.equal(readFileSync(path, 'utf8'), `${whole}${from}A: 7\n\nText\n\n`);
});

it('leaves alone an mbox that no export of the mailbox wrote', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-mbox-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'INBOX.mbox'), 'mine');
  const mailbox = { name: 'INBOX', uidValidity: 5 };
  assert.throws(() => openMboxWriter(folder, mailbox), /choose another folder/);
  openMboxWriter(folder, { name: 'Sent', uidValidity: 5 }).close();
  const other = { name: 'Sent', uidValidity: 6 };
  assert.throws(() => openMboxWriter(folder, other), /choose another folder/);
  assert.equal(readFileSync(join(folder, 'INBOX.mbox'), 'utf8'), 'mine');
});
