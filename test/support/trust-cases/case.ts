/**
 * Messages of the differential test by seed: signed, sealed, folded, broken, from whoever.
 *
 * Runs in: tests.
 */

import type { VerifyRequest } from '../../../src/mail/trust/verify.ts';
import { SeededRandom } from '../seeded-clock.ts';
import { ZoneDns } from '../zone-dns.ts';
import { published, usualSelectors } from './keys.ts';
import { arcSet, type MailParts, type Making, signatureField, wholeOf } from './signer.ts';
import {
  oddAddresses,
  oddFroms,
  oddHelos,
  oddLines,
  oddResults,
  oddSenders,
  oddTags,
  usualResults,
} from './texts.ts';
import { addresses, domains, pick, zoneOf } from './zone.ts';

export interface TrustCase {
  readonly request: VerifyRequest;
  readonly dns: ZoneDns;
  /** Whether nothing about it is seldom: such must be judged without the reference. */
  readonly isUsual: boolean;
}

const forms = [
  'relaxed/relaxed',
  'relaxed/simple',
  'simple/simple',
  'simple/relaxed',
  'relaxed',
  'simple',
  '',
];
const usualTags = [
  [],
  [],
  ['t=1700000000'],
  ['t=1700000000', 'x=9000000000'],
  ['x=1700000000'],
  ['q=dns/txt'],
  ['n=b=c d'],
];
/** What is put below a signed body; with `l=` signatures stay whole. */
const footers = ['-- \r\nA list\r\n', '\r\n\r\n', ' ', 'end'];
const helos = ['mx.far.test', 'Client.Example.ORG', 'localhost', '[192.0.2.1]', '', '192.0.2.1'];

/** What of a message is seldom met: all of it usual, one thing odd, or all. */
interface Oddness {
  readonly zone: boolean;
  readonly text: boolean;
  readonly making: boolean;
  readonly client: boolean;
}

const oddnesses: readonly Oddness[] = [
  ...['', '', 'zone', 'text', 'making', 'client', 'zone text making client'].map((what) => ({
    zone: what.includes('zone'),
    text: what.includes('text'),
    making: what.includes('making'),
    client: what.includes('client'),
  })),
];

export function trustCase(seed: number): TrustCase {
  const random = new SeededRandom(seed);
  const odd = pick(random, oddnesses);
  const author = pick(random, domains);
  const sender = random.below(3) === 0 ? pick(random, domains) : author;
  let mail: MailParts = { fields: fields(random, author, odd.text), body: body(random, odd.text) };
  for (let count = pick(random, [0, 1, 1, 1, 2, 3]); count > 0; count--) {
    const domain = random.below(2) === 0 ? author : pick(random, domains);
    const making = makingOf(random, domain, odd.making);
    mail = { ...mail, fields: [signatureField(mail, making), ...mail.fields] };
  }
  if (random.below(4) === 0) mail = { ...mail, body: `${mail.body}${pick(random, footers)}` };
  mail = sealed(random, mail, odd.making);
  let message = wholeOf(mail);
  if (random.below(6) === 0) {
    message = Buffer.from(message.toString('latin1').replace('words', 'Words'), 'latin1');
  }
  if (odd.text && random.below(3) === 0) message = broken(message, random);
  return {
    request: { message, ...client(random, sender, odd.client), nowMs: Date.now() },
    dns: new ZoneDns(zoneOf(random, odd.zone)),
    isUsual: !Object.values(odd).includes(true),
  };
}

function client(random: SeededRandom, domain: string, isOdd: boolean) {
  const senders = [`ann@${domain}`, `ann@${domain}`, `b.o-b+x=y@${domain}`, ''];
  const isOddly = () => isOdd && random.below(4) === 0;
  return {
    sender: pick(random, isOddly() ? oddSenders : senders),
    peerAddress: pick(random, isOddly() ? oddAddresses : addresses),
    helo: pick(random, isOddly() ? oddHelos : isOdd ? helos : helos.slice(0, 2)),
    authservId: pick(random, ['mx.example.net', 'localhost']),
  };
}

function sealed(random: SeededRandom, given: MailParts, isOdd: boolean): MailParts {
  let mail = given;
  const sets = pick(random, [0, 0, 0, 1, 2, 3]);
  for (let instance = 1; instance <= sets; instance++) {
    const isOddSet = isOdd && random.below(4) === 0;
    const { algorithm: _, ...making } = makingOf(random, 'lists.example', isOddSet, true);
    const found = isOdd ? pick(random, oddResults) : pick(random, usualResults);
    const usualCv = instance === 1 ? 'none' : 'pass';
    const cv = isOddSet ? pick(random, ['fail', 'none', 'Pass', '', usualCv]) : usualCv;
    mail = { ...mail, fields: [...arcSet(mail, making, instance, found, cv), ...mail.fields] };
    // What a list does: earlier signatures break.
    if (random.below(3) === 0) mail = { ...mail, body: `${mail.body}-- \r\nA list\r\n` };
  }
  return mail;
}

function fields(random: SeededRandom, author: string, isOdd: boolean): readonly string[] {
  const froms = [
    `ann@${author}`,
    `Ann <ann@${author}>`,
    `"Ann, of Far" <ann@${author}>`,
    `=?utf-8?q?J=C3=B6rg?=\r\n <ann.x@${author}>`,
    `<ann@${author}>`,
    `ann@${author} (Ann of Far)`,
  ];
  const from = isOdd && random.below(6) === 0 ? pick(random, oddFroms) : pick(random, froms);
  const all = [
    `From: ${from}`,
    'To: bob@here.test,\r\n\tcarl@here.test',
    `Subject: ${pick(random, ['hi', ' two  spaces ', 'a\tb', '', 'fold\r\n ed', `\r\n late`, '\u00e9\u00a0x'])}`,
    'Date: Mon, 23 Nov 2026 10:00:00 +0000',
    `Message-ID:<${random.below(1e6)}@far.test>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Received: from a (a [192.0.2.9])\r\n\tby b; Mon, 23 Nov 2026 10:00:00 +0000',
    'Received: from c by a',
  ];
  if (isOdd) {
    if (random.below(8) === 0) all.push(`From: ${pick(random, froms)}`);
    if (random.below(8) === 0) all.splice(random.below(all.length), 1);
    if (random.below(8) === 0) all.push(pick(random, oddLines));
    if (random.below(8) === 0) all[1] = 'tO\t: bob@here.test';
  }
  return all;
}

function body(random: SeededRandom, isOdd: boolean): string {
  const lines = [
    'some words',
    ' lead',
    'trail ',
    'two  gaps',
    '\ttab\t',
    '',
    '',
    '.',
    '\u00e9\u00ff',
    'x'.repeat(90),
    ' ',
    '-- ',
  ];
  let text = '';
  for (let count = random.below(12); count > 0; count--) {
    text +=
      pick(random, lines) +
      (isOdd && random.below(12) === 0 ? pick(random, ['\n', '\r', '', '\r\r\n']) : '\r\n');
  }
  return text;
}

function makingOf(random: SeededRandom, domain: string, isOdd: boolean, isArc = false): Making {
  const names = ['From', 'to', 'Subject', 'Date', 'Message-ID', 'Received', 'x-none'].filter(
    (_, i) => i === 0 || random.below(3) > 0,
  );
  if (random.below(3) === 0) names.push('from', 'subject', 'Received');
  if (isOdd && random.below(8) === 0) names.shift();
  const selector =
    isOdd && random.below(3) === 0
      ? pick(random, Object.keys(published))
      : pick(random, usualSelectors);
  const more = [...pick(random, usualTags)];
  // Of nothing, of a part, and of more than there may be.
  const length = random.below(5) === 0 ? pick(random, [0, 2, random.below(60), 9_000]) : undefined;
  if (random.below(6) === 0 && !isArc) {
    more.push(pick(random, [`i=ann@${domain}`, `i=@${domain}`, `i=@sub.${domain}`]));
  }
  if (isOdd && random.below(4) === 0) more.push(pick(random, oddTags));
  return {
    ...{ key: published[selector]!.key, domain, selector, names, more, form: pick(random, forms) },
    ...{ separator: pick(random, [';\r\n\t', '; ', ';', ' ;\r\n  ']) },
    ...(length === undefined ? {} : { length }),
    ...(isOdd && random.below(10) === 0
      ? { algorithm: pick(random, ['rsa-sha1', 'RSA-SHA256', 'rsa-sha512', 'rsa']) }
      : {}),
  };
}

/** Bytes changed, mostly in the header, to some that mean something. */
function broken(message: Buffer, random: SeededRandom): Buffer {
  const special = [0, 9, 10, 13, 32, 34, 40, 58, 59, 61, 64, 92, 160, 233];
  const copy = Buffer.from(message);
  for (let count = 1 + random.below(3); count > 0; count--) {
    const end = random.below(3) === 0 ? copy.length : Math.max(1, copy.indexOf('\r\n\r\n'));
    copy[random.below(end)] = random.below(2) === 0 ? pick(random, special) : random.below(256);
  }
  return random.below(10) === 0 ? copy.subarray(0, random.below(copy.length + 1)) : copy;
}
