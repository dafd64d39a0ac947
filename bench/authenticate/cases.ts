/**
 * Messages of 5 kB as they come from strangers: a newsletter's many fields, signed in several ways, through a list.
 *
 * Runs in: bench. mailauth signs and ours seals, so that neither side judges its own work alone.
 */

import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { ArcSealer } from '../../src/mail/trust/arc.ts';
import { type DkimKey, generateDkimKey } from '../../src/mail/trust/dkim/keys.ts';
import type { Zone } from '../../test/support/zone-dns.ts';

export interface AuthenticateCase {
  readonly name: string;
  readonly message: Uint8Array;
  readonly zone: Zone;
  /** Whether our own checks are to judge it. */
  readonly isUsual: boolean;
  /** Methods that pass, so that what is timed is what is named. */
  readonly passes: readonly ('spf' | 'dkim' | 'arc' | 'dmarc')[];
}

const bytes = 5_000;
const signedPass = ['spf', 'dkim', 'dmarc'] as const;
const rsa = generateDkimKey('rsa-sha256', 'r1');
const ed25519 = generateDkimKey('ed25519-sha256', 'e1');
const listKey = generateDkimKey('rsa-sha256', 'arc');
const domain = 'news.example.org';
const provider = 'sender.example';

const zone: Zone = {
  ...published(rsa, domain),
  ...published(ed25519, domain),
  ...published(rsa, provider),
  ...published(listKey, 'lists.example'),
  [domain]: [{ TXT: `v=spf1 include:_spf.${provider} mx -all` }, { MX: [10, `mx.${domain}`] }],
  [`mx.${domain}`]: [{ A: '198.51.100.1' }],
  [`_spf.${provider}`]: [{ TXT: `v=spf1 include:_a.${provider} include:_b.${provider} ~all` }],
  [`_a.${provider}`]: [{ TXT: 'v=spf1 ip4:203.0.113.0/24 ip4:198.51.100.64/26 ~all' }],
  [`_b.${provider}`]: [{ TXT: 'v=spf1 ip6:2001:db8::/32 ip4:192.0.2.0/24 ~all' }],
  '_dmarc.example.org': [{ TXT: 'v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@example.org' }],
};

export async function authenticateCases(): Promise<readonly AuthenticateCase[]> {
  const plain = letter();
  const one = await signed(plain, [[rsa, domain]]);
  const two = await signed(plain, [
    [rsa, domain],
    [rsa, provider],
  ]);
  const listed = sealed(sealed(one, 'none'), 'pass');
  const limited = await signed(plain, [[rsa, domain]], 4_000);
  const broken = Buffer.concat([one, Buffer.from('A list adds this.\r\n')]);
  return [
    { name: 'unsigned', message: plain, zone, isUsual: true, passes: ['spf', 'dmarc'] },
    { name: 'RSA-2048', message: one, zone, isUsual: true, passes: signedPass },
    { name: 'two of RSA-2048', message: two, zone, isUsual: true, passes: signedPass },
    {
      name: 'Ed25519',
      message: await signed(plain, [[ed25519, domain]]),
      zone,
      isUsual: true,
      passes: signedPass,
    },
    {
      name: 'RSA-2048, two ARC sets',
      message: listed,
      zone,
      isUsual: true,
      passes: [...signedPass, 'arc'],
    },
    {
      name: 'RSA-2048 of 4,000 bytes (`l=`)',
      message: limited,
      zone,
      isUsual: true,
      passes: signedPass,
    },
    { name: 'RSA-2048, does not verify', message: broken, zone, isUsual: true, passes: ['spf'] },
    {
      name: 'RSA-2048, left to mailauth (SPF with `%{p}`)',
      message: one,
      zone: { ...zone, [`_a.${provider}`]: [{ TXT: 'v=spf1 exists:%{p}.example ~all' }] },
      isUsual: false,
      passes: signedPass,
    },
  ];
}

function published({ selector, recordText }: DkimKey, of: string): Zone {
  return { [`${selector}._domainkey.${of}`]: [{ TXT: recordText }] };
}

async function signed(
  plain: Buffer,
  makers: readonly (readonly [DkimKey, string])[],
  maxBodyLength?: number,
): Promise<Buffer> {
  let message = plain;
  for (const [{ selector, privatePem, algorithm }, signingDomain] of makers) {
    const maker = {
      ...{ signingDomain, selector, algorithm, privateKey: privatePem },
      ...(maxBodyLength === undefined ? {} : { maxBodyLength }),
    };
    const { signatures } = await dkimSign(message, {
      ...{ ...maker, canonicalization: 'relaxed/relaxed', signatureData: [maker] },
    });
    if (signatures === '') throw new Error('nothing signed');
    message = Buffer.concat([Buffer.from(signatures), message]);
  }
  return message;
}

function sealed(message: Buffer, verdict: string): Buffer {
  const { selector, privatePem } = listKey;
  const sealer = new ArcSealer({ domain: 'lists.example', selector, privatePem });
  const results = Buffer.from(
    `Authentication-Results: lists.example;\r\n dkim=pass header.i=@${domain};\r\n spf=pass smtp.mailfrom=${domain};\r\n` +
      ` dmarc=pass (p=REJECT) header.from=${domain}\r\n`,
  );
  const nowSeconds = Math.floor(Date.now() / 1_000) - 60;
  const set = sealer.seal({ message, results, verdict, nowSeconds });
  if (set === undefined) throw new Error('nothing sealed');
  return Buffer.concat([set, message]);
}

function letter(): Buffer {
  const header =
    `From: "News of Example" <ann@${domain}>\r\nTo: User <user@example.net>\r\n` +
    'Subject: =?utf-8?q?What_is_new_in_November?=\r\n at Example and elsewhere\r\n' +
    `Date: Sun, 22 Nov 2026 02:09:16 +0000\r\nMessage-ID: <1.2.3@${domain}>\r\n` +
    `Reply-To: ann@${domain}\r\nList-Unsubscribe: <https://${domain}/u?x=1>,\r\n <mailto:u@${domain}>\r\n` +
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n' +
    `Received: from app (localhost [127.0.0.1])\r\n\tby mx.${domain} with ESMTP id 4Xyz\r\n` +
    '\tfor <user@example.net>; Sun, 22 Nov 2026 02:09:16 +0000\r\n' +
    'Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n';
  const paragraph =
    '<p>Some words of a letter to many, as people write them,\r\n  line by line. </p>\r\n\r\n';
  return Buffer.from(header + paragraph.repeat(bytes)).subarray(0, bytes);
}
