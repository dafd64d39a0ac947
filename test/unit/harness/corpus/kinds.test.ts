/**
 * Aim: every kind of message is valid mail, carries its mark, and comes in the share asked for.
 * Method: messages read back as a receiver would, and parsed by the package postal-mime.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import PostalMime from 'postal-mime';
import { createKinds, type KindPlan } from '../../../../src/harness/corpus/kinds.ts';
import { MessageSource, Outgoing } from '../../../../src/harness/corpus/message-source.ts';
import { RecipientDealer } from '../../../../src/harness/corpus/recipients.ts';
import { bodyHash, bodyStart, findMark } from '../../../../src/harness/ledger/mark.ts';
import { SeededRandom } from '../../../../src/harness/seeded-random.ts';
import { DataReader, unstuff } from '../../../../src/harness/sink/data-reader.ts';

/** Takes `count` messages off the wire; each must have the mark that was made for it. */
function take(kinds: readonly KindPlan[], count: number): Buffer[] {
  const random = new SeededRandom(4);
  const place = { from: 'f@x.test', date: 'Thu, 01 Jan 2026 00:00:00 +0000', random };
  const source = new MessageSource({
    kinds: createKinds(kinds, { ...place, isUnique: true, framing: 'dots' })(place.from),
    recipients: new RecipientDealer([{ weight: 1, addresses: ['t@x.test'] }], 1),
    run: 'run123456789',
  });
  const message = new Outgoing();
  return Array.from({ length: count }, () => {
    source.next(message);
    const reader = new DataReader(10_000_000);
    assert.equal(reader.take(Buffer.concat([message.wire, ...message.parts]))?.length, 0);
    const text = unstuff(reader.parts());
    const id = source.idOf(message.index);
    assert.deepEqual(findMark(text), { id, sha256: message.sha256 });
    assert.equal(bodyHash(text.subarray(bodyStart(text))), message.sha256);
    assert.equal(text.length, message.bytes);
    assert.ok(!/[^\r]\n|\r[^\n]/.test(text.toString('latin1')), 'lines end with CRLF');
    return text;
  });
}

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-corpus-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const attachments = {
  newsletter: [],
  receipt: ['application/pdf'],
  attachment: ['application/octet-stream'],
  calendar: ['text/calendar', 'application/ics'],
};

for (const mime of ['newsletter', 'receipt', 'attachment', 'calendar'] as const) {
  test(`a ${mime} is a message of its kind, and another each time`, async () => {
    const texts = take([{ kind: 'mime', weight: 1, mime, attachmentBytes: 5_000 }], 16);
    const subjects = new Set<string>();
    for (const text of texts) {
      const parsed = await PostalMime.parse(text);
      assert.equal(parsed.to![0]!.address, 't@x.test');
      assert.ok(parsed.text!.length > 40, parsed.text);
      assert.deepEqual(
        parsed.attachments.map((each) => each.mimeType),
        attachments[mime],
      );
      if (mime === 'attachment') {
        assert.equal((parsed.attachments[0]!.content as ArrayBuffer).byteLength, 5_000);
      }
      if (mime === 'newsletter') assert.match(parsed.html!, /<a href="https:/);
      subjects.add(parsed.subject!);
      const lines = text.toString('latin1').split('\r\n');
      assert.ok(Math.max(...lines.map((line) => line.length)) <= 130);
    }
    assert.ok(subjects.size > 10, `${subjects.size} subjects`);
  });
}

test('kinds come by their weights', () => {
  const texts = take(
    [
      { kind: 'sized', weight: 7, bytes: 500 },
      { kind: 'sized', weight: 2, bytes: 3_000 },
      { kind: 'mime', weight: 1, mime: 'calendar' },
    ],
    100,
  );
  const sizes = texts.map(({ length }) => length);
  assert.equal(sizes.filter((each) => each < 700).length, 70);
  assert.equal(sizes.filter((each) => each === 3_000).length, 20);
});

test('files of a folder are sent as they are, but for line ends, Message-ID and mark', (context) => {
  const folder = folderOf(context);
  writeFileSync(
    join(folder, 'a.eml'),
    'Message-ID:\n <old@x>\nSubject: one\nX-Chaski-Ledger: old\n\n.dot\nbare\rend',
  );
  writeFileSync(join(folder, 'b.eml'), 'Subject: two\r\n\r\nbody \xe4\r\n', 'latin1');
  writeFileSync(join(folder, 'c.txt'), 'not mail');
  const [one, two, again] = take([{ kind: 'folder', weight: 1, path: folder }], 3).map((text) =>
    text.toString('latin1'),
  );
  assert.match(
    one!,
    /^X-Chaski-Ledger: \S+ sha256=\S+\r\nSubject: one\r\nMessage-ID: <run\S+>\r\n\r\n/,
  );
  assert.ok(one!.endsWith('\r\n\r\n.dot\r\nbare\r\nend\r\n') && !one!.includes('old'));
  assert.ok(two!.endsWith('\r\n\r\nbody \xe4\r\n'));
  assert.notEqual(again, one);
  assert.equal(again!.split('\r\n\r\n')[1], one!.split('\r\n\r\n')[1]);
});

test('messages of an mbox are sent one by one', (context) => {
  const file = join(folderOf(context), 'mail.mbox');
  const from = 'From a@x Thu Jan  1 00:00:00 2026';
  writeFileSync(file, `${from}\nSubject: 1\n\none\n\n${from}\nSubject: 2\n\ntwo\n`);
  const texts = take([{ kind: 'mbox', weight: 1, path: file }], 2);
  assert.ok(texts[0]!.includes('\r\n\r\none\r\n') && texts[1]!.includes('\r\n\r\ntwo\r\n'));
  writeFileSync(file, 'no mbox at all\n');
  assert.throws(() => take([{ kind: 'mbox', weight: 1, path: file }], 1), /at byte 0/);
});

test('a folder without mail is told', (context) => {
  const path = folderOf(context);
  assert.throws(() => take([{ kind: 'folder', weight: 1, path }], 1), /holds no messages/);
});

test('a header may be missing, begin as in an mbox, or have dots where lines begin', (context) => {
  const folder = folderOf(context);
  const body = '\nbody\n';
  writeFileSync(join(folder, 'a.eml'), body);
  writeFileSync(join(folder, 'b.eml'), `From a@x Thu Jan  1 00:00:00 2026\nSubject: two\n${body}`);
  writeFileSync(join(folder, 'c.eml'), `.x: 1\n.\nSubject: three\n${body}`);
  const texts = take([{ kind: 'folder', weight: 1, path: folder }], 3);
  const [one, two, three] = texts.map((text) => text.toString('latin1'));
  for (const text of [one, two, three]) assert.ok(text!.endsWith('>\r\n\r\nbody\r\n'), text);
  assert.ok(!two!.includes('From a@x') && two!.includes('\r\nSubject: two\r\n'));
  assert.ok(three!.includes('\r\n.x: 1\r\n.\r\nSubject: three\r\n'));
});

test('a folder is read once, however many send from it', (context) => {
  const path = folderOf(context);
  writeFileSync(join(path, 'a.eml'), 'Subject: a\n\na\n');
  const place = { date: 'now', random: new SeededRandom(1), isUnique: false };
  const kindsOf = createKinds([{ kind: 'folder', weight: 1, path }], { ...place, framing: 'dots' });
  assert.equal(kindsOf('a@x')[0]!.make(3), kindsOf('b@x')[0]!.make(3));
});

test('forms are made before the first message, for every length of address', () => {
  const made: number[] = [];
  const place = { date: 'now', random: new SeededRandom(1), isUnique: false };
  const plans = [{ kind: 'sized' as const, weight: 1, bytes: 500 }];
  const kind = createKinds(plans, { ...place, framing: 'dots' })('f@x')[0]!;
  const make = (length: number) => {
    made.push(length);
    return kind.make(length);
  };
  const addresses = ['a@x', 'bb@x', 'cc@x'];
  const recipients = new RecipientDealer([{ weight: 1, addresses }], 1);
  const source = new MessageSource({
    kinds: [{ weight: 1, make }],
    recipients,
    run: 'run123456789',
  });
  assert.deepEqual(made, [3, 4]);
  for (let i = 0; i < 6; i++) source.next(new Outgoing());
  assert.deepEqual(made, [3, 4]);
});
