/**
 * Everything odd of the differential test once by itself, in a message that is usual but for it.
 *
 * Runs in: tests.
 */

import type { VerifyRequest } from '../../../src/mail/trust/verify.ts';
import type { Zone, ZoneRecord } from '../zone-dns.ts';
import { published } from './keys.ts';
import { arcSet, type MailParts, type Making, signatureField, wholeOf } from './signer.ts';
import * as texts from './texts.ts';
import { fixedRecords, oddReverses, reverseNames, reverses } from './zone.ts';

export interface EachCase {
  readonly name: string;
  readonly request: Partial<VerifyRequest>;
  readonly zone: Zone;
}

const mail: MailParts = {
  fields: ['From: ann@far.test', 'To: bob@here.test', 'Subject: hi', 'Date: now'],
  body: 'some words\r\n',
};
const making: Making = {
  ...{ key: published.plain!.key, domain: 'far.test', selector: 'plain' },
  ...{ names: ['from', 'to', 'subject', 'date'], form: 'relaxed/relaxed' },
};
const sender = 'b.o-b+x=y@far.test';
const client = { sender, peerAddress: '192.0.2.1', helo: 'mx.far.test' };
const helos = [client.helo, ...texts.oddHelos, 'localhost', ''];
const thereIs: Zone = { 'a.sub.far.test': [{ A: '192.0.2.1' }] };
const zone: Zone = {
  ...fixedRecords,
  'far.test': [
    { TXT: 'v=spf1 ip4:203.0.113.1 -all' },
    { A: '192.0.2.1' },
    { MX: [1, 'host.far.test'] },
  ],
  '_dmarc.far.test': [{ TXT: 'v=DMARC1; p=reject' }],
};

/** By what is odd. */
export const oddities: Readonly<Record<string, () => Generator<EachCase>>> = {
  texts: ofTexts,
  lines: ofLines,
  keys: ofKeys,
  'SPF records': ofSpfRecords,
  'names of addresses': ofNames,
  'DMARC records': () => ofPolicies('far.test'),
  'DMARC records above a subdomain': () => ofPolicies('sub.far.test'),
  'DMARC records above two': () => ofPolicies('a.sub.far.test'),
};

function* ofTexts(): Generator<EachCase> {
  for (const from of texts.oddFroms)
    yield made(from, signed([`From: ${from}`, ...mail.fields.slice(1)]));
  for (const tag of texts.oddTags) yield made(tag, signed(mail.fields, { more: [tag] }));
  for (const given of texts.oddSenders)
    yield { ...made(given), request: asking({ sender: given }) };
  for (const given of texts.oddAddresses)
    yield { ...made(given), request: asking({ peerAddress: given }) };
  for (const found of [...texts.usualResults, ...texts.oddResults]) {
    const set = arcSet(mail, making, 1, found, 'none');
    yield made(found, { ...mail, fields: [...set, ...mail.fields] });
  }
}

function* ofLines(): Generator<EachCase> {
  for (const line of texts.oddLines) {
    for (let at = 0; at <= mail.fields.length; at++) {
      const whole = [signatureField(mail, making), ...mail.fields].toSpliced(at + 1, 0, line);
      yield made(line, { ...mail, fields: whole });
    }
  }
}

function* ofKeys(): Generator<EachCase> {
  for (const [selector, { key }] of Object.entries(published)) {
    for (const identity of ['@far.test', '@sub.far.test']) {
      const whole = signed(mail.fields, { selector, key, more: [`i=${identity}`] });
      yield made(`${selector} ${identity}`, whole);
    }
    const set = arcSet(mail, { ...making, selector, key }, 1, texts.usualResults[0]!, 'none');
    yield made(`${selector} of ARC`, { ...mail, fields: [...set, ...mail.fields] });
  }
}

function* ofSpfRecords(): Generator<EachCase> {
  for (const term of [...texts.usualTerms, ...texts.oddTerms]) {
    for (const qualifier of ['', '~']) {
      for (const helo of term.includes('%{h}') ? helos : [client.helo]) {
        for (const peerAddress of ['192.0.2.1', '2001:db8::1']) {
          const own = spfZone(`${qualifier}${term}`);
          yield { ...made(term, mail, own), request: asking({ peerAddress, helo }) };
        }
      }
    }
  }
}

/** Each way to ask for an address's names, with each that there may be. */
function* ofNames(): Generator<EachCase> {
  const terms = [...texts.usualTerms, ...texts.oddTerms].filter((term) => /^ptr/i.test(term));
  for (const term of terms) {
    for (const names of [...reverses, ...oddReverses]) {
      const found = Object.fromEntries(reverseNames.map((name) => [name, names]));
      const whole = made(`${term} ${JSON.stringify(names)}`, mail, { ...spfZone(term), ...found });
      yield { ...whole, request: asking({}) };
    }
    const [first] = reverses;
    const found = Object.fromEntries(reverseNames.map((name) => [name, first!]));
    const whole = made(`${term} of IPv6`, mail, { ...spfZone(term), ...found });
    yield { ...whole, request: asking({ peerAddress: '2001:db8::1' }) };
  }
}

function spfZone(term: string): Zone {
  const TXT = `v=spf1 ${term} redirect=_spf.far.test`;
  const more = { 'far.test': [{ TXT }, ...zone['far.test']!.slice(1)] };
  return { ...more, '_spf.far.test': [{ TXT: 'v=spf1 ?all' }] };
}

function* ofPolicies(author: string): Generator<EachCase> {
  const from = [`From: ann@${author}`, ...mail.fields.slice(1)];
  for (const policy of [...texts.usualPolicies, ...texts.oddPolicies]) {
    const record: ZoneRecord[] = [policy === 'TIMEOUT' ? policy : { TXT: policy }];
    for (const domain of ['far.test', 'sub.far.test', 'x.far.test']) {
      for (const at of ['_dmarc.far.test', '_dmarc.test', '_dmarc.sub.far.test']) {
        for (const more of policy.includes('np') ? [{}, thereIs] : [{}]) {
          const own = { ...more, ...keysOf(domain), [at]: record };
          yield made(`${at} ${policy} ${author} ${domain}`, signed(from, { domain }), own);
        }
      }
    }
  }
}

function made(name: string, whole: MailParts = signed(mail.fields), more: Zone = {}): EachCase {
  const all = { ...zone, ...keysOf('far.test'), ...more };
  return { name, request: asking({ message: wholeOf(whole) }), zone: all };
}

function asking(given: Partial<VerifyRequest>): Partial<VerifyRequest> {
  return { message: wholeOf(signed(mail.fields)), ...client, ...given };
}

function signed(fields: readonly string[], given: Partial<Making> = {}): MailParts {
  const whole = { ...mail, fields };
  return { ...whole, fields: [signatureField(whole, { ...making, ...given }), ...fields] };
}

function keysOf(domain: string): Zone {
  return Object.fromEntries(
    Object.entries(published).flatMap(([selector, { record }]) => {
      if (record === undefined) return [];
      return [
        [`${selector}._domainkey.${domain}`, [record === 'TIMEOUT' ? record : { TXT: record }]],
      ];
    }),
  );
}
