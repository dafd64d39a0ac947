/**
 * The rules that ship: each fits a reply that its provider is publicly known for, and means it.
 *
 * Addresses in replies are those of documentation.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matcher } from '../../../../../src/engine/delivery/shaping/matcher.ts';
import { loadShaping } from '../../../../../src/settings/shaping/load.ts';

const rules = loadShaping({ usesShipped: true, file: '' });
const matcher = new Matcher(rules);

/** Rule, a site of the provider, the reply. */
const replies: readonly (readonly [rule: string, site: string, reply: string])[] = [
  [
    'google-unusual-rate',
    'mx:gmail-smtp-in.l.google.com',
    '421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of\nunsolicited mail originating from your IP address. To protect our\nusers from spam, mail sent from your IP address has been temporarily\nrate limited. - gsmtp',
  ],
  [
    'google-low-reputation',
    'mx:alt1.aspmx.l.google.com,aspmx.l.google.com',
    '421 4.7.0 [192.0.2.1 19] Our system has detected that this message is suspicious due to the very low reputation of the sending domain. To best protect our users from spam, the message has been blocked.',
  ],
  [
    'google-unsolicited',
    'mx:smtp.google.com',
    '550 5.7.1 [192.0.2.1 19] Our system has detected that this message is\nlikely unsolicited mail. To reduce the amount of spam sent to Gmail,\nthis message has been blocked.',
  ],
  [
    'google-unauthenticated',
    'mx:gmail-smtp-in.l.google.com',
    '421 4.7.26 This mail has been rate limited because it is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.',
  ],
  [
    'google-unauthenticated',
    'mx:gmail-smtp-in.l.google.com',
    '550 5.7.26 This mail has been blocked because the sender is unauthenticated.',
  ],
  [
    'google-user-rate',
    'mx:gmail-smtp-in.l.google.com',
    '450 4.2.1 The user you are trying to contact is receiving mail at a rate that\nprevents additional messages from being delivered.',
  ],
  [
    'microsoft-block-list',
    'mx:outlook-com.olc.protection.outlook.com',
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
  ],
  [
    'microsoft-banned',
    'mx:example-com.mail.protection.outlook.com',
    '550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/',
  ],
  [
    'microsoft-rate-limited',
    'mx:hotmail-com.olc.protection.outlook.com',
    '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://aka.ms/postmaster (S775)',
  ],
  [
    'outlook-rp',
    'mx:hotmail-com.olc.protection.outlook.com',
    "421 RP-001 (SNT004-MC1F43) Unfortunately, some messages from 192.0.2.1 weren't sent. Please try again.",
  ],
  [
    'microsoft-connections',
    'mx:hotmail-com.olc.protection.outlook.com',
    '451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections. (S3115)',
  ],
  [
    'microsoft-connections',
    'mx:example-com.mail.protection.outlook.com',
    '421 4.3.2 The maximum number of concurrent connections per resource forest has exceeded a limit, closing transmission channel.',
  ],
  [
    'microsoft-server-busy',
    'mx:example-com.mail.protection.outlook.com',
    '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)',
  ],
  [
    'microsoft-authentication',
    'mx:hotmail-com.olc.protection.outlook.com',
    '550 5.7.515 Access denied, sending domain EXAMPLE.COM does not meet the required authentication level.',
  ],
  [
    'yahoo-tss04',
    'mx:mta5.am0.yahoodns.net,mta6.am0.yahoodns.net,mta7.am0.yahoodns.net',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes',
  ],
  [
    'yahoo-tss04',
    'mx:mx-aol.mail.gm0.yahoodns.net',
    '421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred due to user complaints - 4.16.55.1',
  ],
  [
    'yahoo-tss05',
    'mx:mta5.am0.yahoodns.net',
    '421 4.7.0 [TSS05] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes',
  ],
  [
    'yahoo-permanently-deferred',
    'mx:mta5.am0.yahoodns.net',
    '421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes',
  ],
  [
    'yahoo-listed',
    'mx:mta5.am0.yahoodns.net',
    "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list; see https://help.yahoo.com/kb/postmaster/SLN5070.html",
  ],
  [
    'yahoo-messages-per-connection',
    'mx:mta5.am0.yahoodns.net',
    '421 Max message per connection reached, closing transmission channel',
  ],
  [
    'yahoo-japan-deferred',
    'mx:mx1.mail.yahoo.co.jp',
    '553 Mail from 192.0.2.1 not allowed - VS98-IP0 deferred',
  ],
  [
    'apple-busy',
    'mx:mx01.mail.icloud.com,mx02.mail.icloud.com',
    '451 4.7.1 Service unavailable - try again later',
  ],
  [
    'apple-deferred',
    'mx:mx01.mail.icloud.com,mx02.mail.icloud.com',
    '421 [HCM1] Your mail from 192.0.2.1 was deferred.',
  ],
  [
    'apple-local-policy',
    'mx:mx01.mail.icloud.com,mx02.mail.icloud.com',
    '550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137',
  ],
  [
    'apple-listed',
    'mx:mx01.mail.icloud.com,mx02.mail.icloud.com',
    '550 5.7.1 Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus XBL. For details please see http://www.spamhaus.org/query/bl?ip=192.0.2.1',
  ],
  [
    'united-internet-listed',
    'mx:mx00.gmx.net,mx01.gmx.net',
    '554 gmx.net (mxgmx104) Nemesis ESMTP Service not available\nNo SMTP service\nIP address is block listed.\nFor explanation visit https://postmaster.gmx.net/en/case?c=r0201&i=ip&v=192.0.2.1',
  ],
  [
    'united-internet-rate',
    'mx:mx-ha02.web.de,mx-ha03.web.de',
    '421 Rate limit reached. Please try again later',
  ],
  [
    'united-internet-policy',
    'mx:mx00.kundenserver.de,mx01.kundenserver.de',
    '421 Reject due to policy violations',
  ],
  [
    'comcast-sessions',
    'mx:mx1a1.comcast.net,mx2a1.comcast.net',
    '421 resimta-po-13v.sys.comcast.net comcast Too many sessions opened',
  ],
  [
    'comcast-throttled',
    'mx:mx1a1.comcast.net',
    '421 4.1.0 192.0.2.1 Throttled - try again later. Please see http://postmaster.comcast.net/smtp-error-codes.php#RL000003',
  ],
  [
    'comcast-block',
    'mx:mx1a1.comcast.net',
    '554 resimta-ch2-06v.sys.comcast.net comcast 192.0.2.1 Comcast block for spam. Please see http://postmaster.comcast.net/smtp-error-codes.php#BL000000',
  ],
  [
    'charter-aup-later',
    'mx:pkvw-mx.msg.pkvw.co.charter.net',
    '421 pkvw-mxge-04 cmsmtp 192.0.2.1 AUP#I-1310 - Try again later',
  ],
  [
    't-online-listed',
    'mx:mx00.t-online.de,mx01.t-online.de',
    '554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)',
  ],
  [
    'orange-connections',
    'mx:smtp-in.orange.fr',
    '421 opmta1mti02nd1 smtp.orange.fr Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]',
  ],
  [
    'orange-refused',
    'mx:smtp-in.orange.fr',
    '421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]',
  ],
  [
    'orange-rejected',
    'mx:smtp-in.orange.fr',
    '550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]',
  ],
  [
    'free-too-many-spams',
    'mx:mx1.free.fr,mx2.free.fr',
    '421 Too many spams from your IP (192.0.2.1), please visit http://postmaster.free.fr/',
  ],
  [
    'free-too-many-errors',
    'mx:mx1.free.fr,mx2.free.fr',
    '421 too many errors detected from your IP (192.0.2.1), please visit http://postmaster.free.fr/',
  ],
  [
    'mimecast-busy',
    'mx:eu-smtp-inbound-1.mimecast.com,eu-smtp-inbound-2.mimecast.com',
    '421 Unable to process connection at this time. - https://community.mimecast.com/docs/DOC-1369#421',
  ],
  [
    'mimecast-greylist',
    'mx:eu-smtp-inbound-1.mimecast.com',
    '451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451',
  ],
  [
    'proofpoint-listed',
    'mx:mx0a-00000001.pphosted.com,mx0b-00000001.pphosted.com',
    '554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1',
  ],
  [
    'proofpoint-sessions',
    'mx:mx1-us1.ppe-hosted.com,mx2-us1.ppe-hosted.com',
    '421 Too many concurrent sessions, try again later',
  ],
  [
    'barracuda-reputation',
    'mx:d1.ess.barracudanetworks.com',
    '550 permanent failure for one or more recipients: http://www.barracudanetworks.com/reputation/?pr=1&ip=192.0.2.1',
  ],
  [
    'barracuda-rate-control',
    'mx:d1.ess.barracudanetworks.com',
    '421 Temporary failure, please try again later.',
  ],
  [
    'cisco-poor-reputation',
    'mx:mx1.example.iphmx.com',
    "554 mx1.example.iphmx.com\nYour access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.",
  ],
  [
    'rackspace-untrusted',
    'mx:mx1.emailsrvr.com,mx2.emailsrvr.com',
    '451 4.7.1 Received too many messages from a new or untrusted IP (G28)',
  ],
  [
    'godaddy-sessions',
    'mx:mailstore1.secureserver.net,smtp.secureserver.net',
    '421 Connection refused, too many sessions from 192.0.2.1. Please lower the number of concurrent sessions. IB007',
  ],
  [
    'godaddy-reputation',
    'mx:mailstore1.secureserver.net,smtp.secureserver.net',
    '554 bizsmtp IB105. Connection refused. 192.0.2.1 is listed on the Exploits Block List (XBL)',
  ],
  [
    'qq-frequency',
    'mx:mx1.qq.com,mx2.qq.com,mx3.qq.com',
    '550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725',
  ],
  [
    'netease-quota',
    'mx:163mx01.mxmail.netease.com',
    '554 HL:ITC 163 mx21,PsCowAB3example 192.0.2.1',
  ],
  [
    'mailru-ratelimit',
    'mx:mxs.mail.ru',
    '451 Ratelimit exceeded for mailbox ann@example.ru. Try again later.',
  ],
  [
    'listed-by-spamhaus',
    'mx:mx.example.net',
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1',
  ],
];

for (const [rule, site, line] of replies) {
  test(`${rule} fits: ${line.slice(0, 60)}`, () => {
    const [, code, enhanced = '', text] = /^(\d{3}) (?:([45]\.\d+\.\d+) )?(.*)$/s.exec(line)!;
    const place = { path: site, domains: [], tenant: '', campaign: '' };
    const found = matcher.responseOf(place, { code: Number(code), enhanced, text: text! });
    assert.equal(found?.name, rule);
  });
}

test('every rule that ships has a reply here', () => {
  const tested = new Set(replies.map(([rule]) => rule));
  assert.deepEqual(
    rules.responses.map(({ name }) => name).filter((name) => !tested.has(name)),
    [],
  );
});

test('nothing of a full mailbox, an unknown address or greylisting leads to a suspension', () => {
  const harmless = [
    [550, '5.1.1', 'The email account that you tried to reach does not exist.'],
    [552, '5.2.2', 'The recipient is over quota'],
    [450, '4.2.0', 'Recipient address rejected: Greylisted'],
    [554, '5.7.1', 'Sender address [a@example.com] blocked using dbl.spamhaus.org'],
    [421, '4.4.2', 'Connection timed out'],
  ] as const;
  for (const { mx } of rules.providers) {
    const host = mx[0]!.startsWith('.') ? `in${mx[0]}` : mx[0]!;
    for (const [code, enhanced, text] of harmless) {
      const place = { path: `mx:${host}`, domains: [], tenant: '', campaign: '' };
      const rule = matcher.responseOf(place, { code, enhanced, text });
      assert.equal(rule, undefined, `${host}: ${text}`);
    }
  }
});

test('every provider that ships has a limit, and its hosts are known for it alone', () => {
  for (const { name, mx } of rules.providers) {
    for (const each of mx) {
      const host = each.startsWith('.') ? `in${each}` : each;
      assert.equal(matcher.providerOf(`mx:${host}`), name);
      const limits = matcher.limitsOf({
        path: `mx:${host}`,
        domains: [],
        tenant: '',
        campaign: '',
      });
      assert.ok(limits.messagesPerConnection !== undefined, name);
    }
  }
});
