/**
 * Aim: bounces of all servers are read, what is none is not taken for one, and hostile mail costs no time. Method:
 * samples in the words of each, and random bytes under the seed that is printed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFeedback } from '../../../../../src/mail/formats/feedback/read-feedback.ts';

function mail(header: readonly string[], body: string): Buffer {
  return Buffer.from([...header, '', body].join('\n').replaceAll('\n', '\r\n'));
}

const failures: readonly [string, Buffer, string, string, RegExp][] = [
  [
    'RFC 3464',
    mail(
      [
        'From: MAILER-DAEMON@mx.far.test',
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
      ],
      `--b

could not be delivered
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.test

Final-Recipient: rfc822; ann@far.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <ann@far.test>: user unknown
--b--`,
    ),
    '5.1.1',
    'address',
    /user unknown/,
  ],
  [
    'qmail',
    mail(
      ['From: MAILER-DAEMON@mx.far.test', 'Subject: failure notice'],
      `Hi. This is the qmail-send program at mx.far.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@far.test>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <x@here.test>
Subject: 452 4.2.2 over quota`,
    ),
    '5.1.1',
    'address',
    /no mailbox here/,
  ],
  [
    'Exim',
    mail(
      [
        'From: Mail Delivery System <Mailer-Daemon@mx.far.test>',
        'X-Failed-Recipients: ann@far.test',
      ],
      `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@far.test
    host mx.far.test [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ann@far.test>:
    550 No such user here`,
    ),
    '5.0.0',
    'address',
    /550 No such user/,
  ],
  [
    'Postfix in words',
    mail(
      ['From: MAILER-DAEMON@mx.far.test'],
      `This is the mail system at host mx.far.test.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<ann@far.test>: host mx.far.test[192.0.2.1] said: 552 5.2.2 Mailbox full (in
    reply to RCPT TO command)`,
    ),
    '5.2.2',
    'over-quota',
    /Mailbox full/,
  ],
  [
    'Exchange',
    mail(
      ['From: Microsoft Outlook <postmaster@far.test>', 'Content-Type: text/html; charset=utf-8'],
      `<html><body><p>Delivery has failed to these recipients or groups:</p>
<p><a href="mailto:ann@far.test">ann@far.test</a></p>
<p>Diagnostic information for administrators:</p>
<p>Generating server: mx.far.test</p>
<p>ann@far.test<br>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found'</p>
<p>Original message headers:</p><p>Received: 4.2.2</p></body></html>`,
    ),
    '5.1.10',
    'domain',
    /RecipientNotFound/,
  ],
];

describe('a bounce is read in the form of', () => {
  for (const [form, bytes, status, why, words] of failures) {
    it(form, () => {
      const { bounce, addresses } = readFeedback(bytes);
      assert.deepEqual([bounce?.action, bounce?.status], ['failed', status]);
      assert.match(bounce!.words, words);
      if (form !== 'Exchange') assert.equal(bounce!.why, why);
      assert.ok(['address', 'domain', 'over-quota'].includes(bounce!.why), bounce!.why);
      assert.ok(addresses.includes('ann@far.test'), addresses.join());
    });
  }
});

it('RFC 3834 §5: an answer by a program, a delay and a plain mail are no failure', () => {
  const vacation = mail(
    ['From: ann@far.test', 'Auto-Submitted: auto-replied', 'Subject: Away'],
    'I am away. Error 550 5.1.1 user unknown is a joke.',
  );
  assert.equal(readFeedback(vacation).bounce, undefined);
  const plain = mail(['From: ann@far.test', 'Subject: re'], 'Thanks, 500 pieces arrived.');
  assert.equal(readFeedback(plain).bounce, undefined);
  const delay = mail(
    ['Content-Type: multipart/report; report-type=delivery-status; boundary=b'],
    `--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.test

Final-Recipient: rfc822; ann@far.test
Action: delayed
Status: 4.4.1
--b--`,
  );
  assert.equal(readFeedback(delay).bounce?.action, 'other');
  const later = mail(['From: MAILER-DAEMON@x'], 'ann@far.test: 452 4.2.2 mailbox full, will retry');
  assert.equal(readFeedback(later).bounce?.action, 'other');
});

it('RFC 5965: a complaint tells its kind, whom it is of, and what we signed', () => {
  const bytes = mail(
    [
      'From: fbl@provider.test',
      'Content-Type: multipart/report; report-type=feedback-report; boundary=b',
    ],
    `--b

This is a report of abuse.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider-FBL/1
Version: 1
Original-Mail-From: <b-abc@bounces.test>
Original-Rcpt-To: <ann@far.test>
Reporting-MTA: dns; mx.provider.test
--b
Content-Type: message/rfc822

Return-Path: <b-def@bounces.test>
To: somebody@far.test
List-Unsubscribe: <https://mail.test/u/AbC_-9>, <mailto:x@y.test>
Subject: news

text
--b--`,
  );
  const { complaint } = readFeedback(bytes);
  assert.equal(complaint?.type, 'abuse');
  assert.match(complaint!.reporter, /mx\.provider\.test/);
  assert.equal(complaint?.recipients[0], 'ann@far.test');
  assert.deepEqual(complaint?.returnPaths, ['b-abc@bounces.test', 'b-def@bounces.test']);
  assert.equal(complaint?.unsubscribe, 'AbC_-9');
});

it('Outlook.com’s complaint is the message itself, and a field that says for whom', () => {
  const bytes = mail(
    ['From: staff@hotmail.test', 'Content-Type: multipart/mixed; boundary=b'],
    `--b
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: ann@far.test
Subject: news

text
--b--`,
  );
  const { complaint } = readFeedback(bytes);
  assert.deepEqual([complaint?.type, complaint?.recipients[0]], ['abuse', 'ann@far.test']);
});

it('hostile mail is read in time that its length bounds, and never throws', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Date.now() % 1e9));
  console.log(`seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  const pieces = [
    ...['--b\r\n', '@', '<', '>', '5.1.1', '550 ', 'Content-Type: ', 'message/delivery-status\r\n'],
    ...[
      'multipart/report; boundary=b\r\n',
      '\r\n\r\n',
      'Final-Recipient: rfc822;',
      'Action: failed\r\n',
    ],
    ...[
      'message/feedback-report\r\n',
      'message/rfc822\r\n',
      'Status: ',
      '\0',
      'ü',
      ' ',
      'a'.repeat(300),
    ],
  ];
  for (let round = 0; round < 300; round++) {
    let text = '';
    for (let i = random(200); i > 0; i--) text += pieces[random(pieces.length)]!;
    const { addresses, bounce } = readFeedback(Buffer.from(text));
    assert.ok(addresses.length <= 200);
    assert.ok((bounce?.words ?? '').length <= 300);
  }
  for (const one of ['@', 'a@', '5.', '550 ', '<a@b>:', ' ', '\t', '1', '"', '\\']) {
    const startMs = performance.now();
    readFeedback(mail(['From: x@y.test'], one.repeat(262_144 / one.length)));
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < 2_000, `${JSON.stringify(one)}: ${tookMs} ms`);
  }
});
