/** Aim: notices a mail program can read, made of nothing that could break out of its place. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import PostalMime from 'postal-mime';
import type { DsnRecipient, DsnRequest } from '../../../../../src/mail/formats/dsn/report.ts';
import { fullBytesMax, writeReport } from '../../../../../src/mail/formats/dsn/report.ts';
import { headerBytesMax, headerOf } from '../../../../../src/mail/formats/dsn/returned.ts';

const nowMs = Date.UTC(2026, 10, 22, 3, 0, 0);

const failed: DsnRecipient = {
  finalRecipient: 'rita@example.org',
  action: 'failed',
  status: '5.1.1',
  diagnostic: '550 5.1.1 no such user',
  remoteHost: 'mx.example.org',
  lastAttemptMs: nowMs,
};

const original = 'From: sam@example.net\r\nSubject: hi\r\n\r\nhello\r\n';

function request(change: Partial<DsnRequest> & { readonly text?: string } = {}): DsnRequest {
  const { text = original, ...rest } = change;
  return {
    id: '0123456789ABCDEF',
    hostname: 'relay.test',
    nowMs,
    boundary: '=_test',
    to: 'sam@example.net',
    arrivalMs: nowMs - 60_000,
    ret: 'full',
    smtputf8: false,
    recipients: [failed],
    original: [Buffer.from(text.slice(0, 10)), Buffer.from(text.slice(10))],
    ...rest,
  };
}

const textOf = (given: DsnRequest) => Buffer.concat(writeReport(given).parts).toString('utf8');

describe('a delivery status notification', () => {
  it('has three parts that a MIME parser finds', async () => {
    const parsed = await PostalMime.parse(textOf(request()));
    assert.equal(parsed.from?.address, 'MAILER-DAEMON@relay.test');
    assert.equal(parsed.to?.[0]?.address, 'sam@example.net');
    assert.equal(parsed.messageId, '<0123456789ABCDEF@relay.test>');
    assert.match(parsed.text ?? '', /<rita@example.org> could not be delivered/);
    const types = parsed.attachments.map((attachment) => attachment.mimeType);
    assert.ok(types.includes('message/delivery-status'), types.join());
    // RFC 3464 §2: programs know a notice by this type alone.
    const type = parsed.headers.find((header) => header.key === 'content-type')?.value ?? '';
    assert.match(type, /^multipart\/report; report-type=delivery-status; boundary="=_test"$/);
    assert.match(textOf(request()), /Auto-Submitted: auto-replied\r\n/);
  });

  it('says per recipient what RFC 3464 wants said', () => {
    const text = textOf(
      request({
        envid: 'a+2Bb',
        recipients: [{ ...failed, originalRecipient: 'rfc822;r+2Bx@example.org' }],
      }),
    );
    const status = text.slice(
      text.indexOf('Reporting-MTA'),
      text.indexOf('Content-Description: Und'),
    );
    assert.equal(
      status,
      [
        'Reporting-MTA: dns; relay.test',
        'Original-Envelope-Id: a+b',
        'Arrival-Date: Sun, 22 Nov 2026 02:59:00 +0000',
        '',
        'Original-Recipient: rfc822; r+x@example.org',
        'Final-Recipient: rfc822; rita@example.org',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.example.org',
        'Diagnostic-Code: smtp; 550 5.1.1 no such user',
        'Last-Attempt-Date: Sun, 22 Nov 2026 03:00:00 +0000',
        '',
        '--=_test',
        '',
      ].join('\r\n'),
    );
  });

  it('brings back the whole for RET=FULL, byte for byte, and the header for RET=HDRS', () => {
    assert.ok(
      textOf(request()).includes(
        `Content-Type: message/rfc822\r\n\r\n${original}\r\n--=_test--\r\n`,
      ),
    );
    const header = textOf(request({ ret: 'hdrs' }));
    assert.ok(
      header.endsWith(
        'text/rfc822-headers\r\n\r\nFrom: sam@example.net\r\nSubject: hi\r\n\r\n--=_test--\r\n',
      ),
    );
  });

  it('brings back the header only of what is large, binary, or did not fail', () => {
    const large = original + `${'x'.repeat(70)}\r\n`.repeat(fullBytesMax / 70);
    for (const text of [
      large,
      `${original}\0`,
      `${original}bare\nline`,
      `${original}${'y'.repeat(1_200)}\r\n`,
    ]) {
      assert.match(textOf(request({ text })), /text\/rfc822-headers/);
    }
    assert.match(
      textOf(request({ recipients: [{ ...failed, action: 'delayed', status: '4.4.1' }] })),
      /Subject: Mail is delayed[\s\S]*Action: delayed[\s\S]*text\/rfc822-headers/,
    );
  });

  it('lets no reply of a peer end a line, a field or a part', () => {
    const text = textOf(
      request({
        recipients: [
          {
            ...failed,
            diagnostic:
              '550 5.1.1 no\r\n\r\n--=_test\r\nContent-Type: text/html\r\n\r\nevil ünï\n\x1b',
            remoteHost: 'mx\r\nBcc: victim@example.com',
          },
        ],
      }),
    );
    assert.doesNotMatch(text, /^Bcc:/m);
    assert.doesNotMatch(text, /^Content-Type: text\/html/m);
    assert.equal(text.match(/^--=_test/gm)?.length, 4);
    assert.equal(/[^\0-\x7f]/.test(text), false);
  });

  it('is 8-bit when what it brings back is', () => {
    const notice = writeReport(request({ text: 'Subject: hi\r\n\r\nü\r\n' }));
    assert.deepEqual([notice.isEightBit, notice.isUtf8], [true, false]);
  });

  it('speaks UTF-8 of UTF-8 addresses to a sender who sent with SMTPUTF8', () => {
    const recipients = [{ ...failed, finalRecipient: 'jürgen@example.org' }];
    const notice = writeReport(request({ smtputf8: true, recipients }));
    const text = Buffer.concat(notice.parts).toString('utf8');
    assert.equal(notice.isUtf8, true);
    assert.match(text, /message\/global-delivery-status[\s\S]*Final-Recipient: utf-8; jürgen@/);
    assert.match(text, /Content-Type: message\/global\r\n/);
  });

  it('escapes UTF-8 addresses for anybody else', () => {
    const recipients = [{ ...failed, finalRecipient: 'jürgen@example.org' }];
    const notice = writeReport(request({ recipients }));
    assert.equal(notice.isUtf8, false);
    assert.match(
      Buffer.concat(notice.parts).toString('latin1'),
      /utf-8; j\\x\{FC\}rgen@example.org/,
    );
  });

  it('is never written to the null sender', () => {
    assert.throws(() => writeReport(request({ to: '' })), /null sender/);
  });
});

describe('the header a notice brings back', () => {
  const headerText = (...parts: readonly string[]) =>
    Buffer.concat(headerOf(parts.map((part) => Buffer.from(part)))).toString();

  it('ends at the empty line, wherever the parts are cut', () => {
    const text = 'A: b\r\nC: d\r\n\r\nbody\r\n\r\n';
    for (let cut = 0; cut <= text.length; cut++) {
      assert.equal(headerText(text.slice(0, cut), text.slice(cut)), 'A: b\r\nC: d\r\n');
    }
  });

  it('ends at its last whole line where it is too long or unfinished', () => {
    assert.equal(headerText('A: b\r\nC: unfinished'), 'A: b\r\n');
    const long = headerText(`${'A: b\r\n'.repeat(headerBytesMax)}`);
    assert.ok(long.length <= headerBytesMax && long.endsWith('A: b\r\n'));
    assert.equal(headerText(), '');
  });
});
