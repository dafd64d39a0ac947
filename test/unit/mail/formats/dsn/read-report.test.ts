/**
 * Aim: of any server's notice each recipient is read with what became of it (RFC 3464); what is no notice is none.
 * Method: notices as we write them, and as others do.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { readReport } from '../../../../../src/mail/formats/dsn/read-report.ts';
import { type DsnAction, writeReport } from '../../../../../src/mail/formats/dsn/report.ts';

const actions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;

function written(recipients: readonly { address: string; action: DsnAction; orcpt?: string }[]) {
  const nowMs = Date.UTC(2026, 10, 22);
  const { parts } = writeReport({
    ...{ id: 'x', hostname: 'mx.test', nowMs, boundary: '=_b', to: 's@x.test', arrivalMs: nowMs },
    ...{ ret: 'full', smtputf8: true, original: [Buffer.from('Subject: s\r\n\r\nhello\r\n')] },
    recipients: recipients.map(({ address, action, orcpt }) => ({
      ...{
        finalRecipient: address,
        action,
        status: '5.0.0',
        diagnostic: 'no\r\nAction: delivered',
      },
      ...{ lastAttemptMs: nowMs, ...(orcpt === undefined ? {} : { originalRecipient: orcpt }) },
    })),
  });
  return Buffer.concat(parts);
}

/** A notice around these lines of status. */
function notice(
  status: string,
  { type = 'message/delivery-status', encoding = '', report = 'report' } = {},
): Buffer {
  return Buffer.from(
    `From: x@y\r\nContent-Type: multipart/${report}; report-type=delivery-status; boundary=b\r\n\r\n` +
      `--b\r\nContent-Type: text/plain\r\n\r\nAction: failed\r\n\r\n` +
      `--b\r\nContent-Type: ${type}\r\n${encoding}\r\n${status}\r\n` +
      '--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFinal-Recipient: rfc822; eve@x\r\n--b--\r\n',
  );
}

const mta = 'Reporting-MTA: dns; mx.test\r\n\r\n';

describe('a notice that is read', () => {
  it('RFC 3464 §2.3.3: gives back each action of one that we write', () => {
    const recipients = actions.map((action) => ({ address: `${action}@x.test`, action }));
    assert.deepEqual(
      readReport(written(recipients)),
      recipients.map(({ address, action }) => ({
        ...{ finalRecipient: address, action, status: '5.0.0' },
        diagnostic: 'no Action: delivered',
      })),
    );
  });

  it('knows the address that the sender wrote, and those of other scripts (RFC 6533)', () => {
    const read = readReport(
      written([
        { address: 'real@x.test', action: 'failed', orcpt: 'rfc822;alias+2Bb@x.test' },
        { address: 'jürgen@x.test', action: 'failed' },
      ]),
    );
    assert.equal(read![0]!.originalRecipient, 'alias+b@x.test');
    assert.equal(read![1]!.finalRecipient, 'jürgen@x.test');
    const escaped = `${mta}Final-Recipient: utf-8; j\\x{FC}rgen@x\r\nAction: failed\r\n`;
    assert.equal(readReport(notice(escaped))![0]!.finalRecipient, 'jürgen@x');
  });

  it('takes fields folded, in any case, with comments, angle brackets and bare line feeds', () => {
    const status =
      `${mta}ORIGINAL-RECIPIENT: rfc822;\r\n <a@x>\r\nFinal-recipient: RFC822;a@y\r\n` +
      'ACTION: Delayed (will try again)\r\nStatus: 4.4.1 (no answer)\r\n\r\n \r\n' +
      'Final-Recipient: rfc822;b@y\nAction: failed\nStatus: 5.1.1';
    assert.deepEqual(readReport(notice(status)), [
      { finalRecipient: 'a@y', originalRecipient: 'a@x', action: 'delayed', status: '4.4.1' },
      { finalRecipient: 'b@y', action: 'failed', status: '5.1.1' },
    ]);
  });

  it('goes by the status where the action is missing or unknown, and by nothing where both are', () => {
    const of = (fields: string) =>
      readReport(notice(`${mta}Final-Recipient: rfc822;a@y\r\n${fields}`));
    assert.equal(of('Status: 5.1.1')![0]!.action, 'failed');
    assert.equal(of('Action: pending\r\nStatus: 4.2.2')![0]!.action, 'delayed');
    assert.equal(of('Action: delayed\r\nStatus: 5.9.9')![0]!.action, 'delayed');
    assert.deepEqual(of('Action: pending'), []);
    assert.deepEqual(readReport(notice(`${mta}Action: failed`)), []);
  });

  it('finds its status encoded, of mail with other scripts, and within a wrapping', () => {
    const status = `${mta}Final-Recipient: rfc822;a@y\r\nAction: failed\r\n`;
    const encoding = 'Content-Transfer-Encoding: base64\r\n';
    const type = 'message/global-delivery-status';
    const coded = Buffer.from(status).toString('base64');
    assert.equal(readReport(notice(coded, { type, encoding }))![0]!.action, 'failed');
    const wrapped = Buffer.concat([
      Buffer.from('Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n'),
      notice(status),
      Buffer.from('\r\n--outer\r\n\r\nA footer.\r\n--outer--\r\n'),
    ]);
    assert.equal(readReport(wrapped)![0]!.finalRecipient, 'a@y');
  });

  it('reads no more recipients than it may, and nothing of what is no notice', () => {
    const one = 'Final-Recipient: rfc822;a@y\r\nAction: failed\r\n\r\n';
    assert.equal(readReport(notice(mta + one.repeat(10_001)))!.length, 10_000);
    assert.equal(readReport(notice(mta + one, { report: 'mixed' })), undefined);
    assert.equal(readReport(notice(mta + one, { type: 'text/plain' })), undefined);
    assert.equal(readReport(Buffer.from(`Subject: x\r\n\r\n${one}`)), undefined);
    assert.equal(readReport(Buffer.alloc(0)), undefined);
  });
});
