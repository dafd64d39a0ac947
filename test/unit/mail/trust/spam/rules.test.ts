/** Aim: each rule holds for the message it is for, and not for a plain one. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostsToAsk, urlsIn, urlsMax } from '../../../../../src/mail/trust/spam/hosts.ts';
import { looksLike } from '../../../../../src/mail/trust/spam/lookalike.ts';
import { readForSpam } from '../../../../../src/mail/trust/spam/reading.ts';
import { applyRules, rules, type Surroundings } from '../../../../../src/mail/trust/spam/rules.ts';
import type { Verdicts } from '../../../../../src/mail/trust/verify.ts';

interface Mail {
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const plainFields = {
  From: 'Ann <ann@example.org>',
  Subject: 'lunch',
  Date: 'Mon, 23 Nov 2026 10:00:00 +0000',
  'Message-ID': '<1@example.org>',
};

function hits({ fields = {}, body = 'See you at noon.\r\n' }: Mail, around: Surroundings = {}) {
  const all: Record<string, string> = { ...plainFields, ...fields };
  const lines = Object.entries(all).filter(([, value]) => value !== '-');
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return applyRules(readForSpam(Buffer.from(`${head}\r\n${body}`)), around).map(({ rule }) => rule);
}

const verdicts: Verdicts = {
  ...{ spf: 'none', dkim: 'none', arc: 'none', dmarc: 'none' },
  ...{ dmarcPolicy: 'none', dkimDomains: [] },
};
const nowMs = Date.parse('2026-11-23T10:00:00Z');
const html = (body: string): Mail => ({
  fields: { 'Content-Type': 'text/html; charset=utf-8' },
  body,
});
const attached = (name: string): Mail => ({
  fields: {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${name}"`,
  },
});
const utf8 = (body: string): Mail => ({
  fields: { 'Content-Type': 'text/plain; charset=utf-8' },
  body,
});

const cases: readonly (readonly [string, Mail, Surroundings?])[] = [
  ['DMARC_FAIL', {}, { verdicts: { ...verdicts, dmarc: 'fail' } }],
  ['DMARC_FAIL_STRICT', {}, { verdicts: { ...verdicts, dmarc: 'fail', dmarcPolicy: 'reject' } }],
  ['DMARC_PASS', {}, { verdicts: { ...verdicts, dmarc: 'pass' } }],
  ['SPF_FAIL', {}, { verdicts: { ...verdicts, spf: 'fail' } }],
  ['SPF_SOFTFAIL', {}, { verdicts: { ...verdicts, spf: 'softfail' } }],
  ['DKIM_FAIL', {}, { verdicts: { ...verdicts, dkim: 'fail' } }],
  ['FROM_LOOKALIKE', { fields: { From: 'a@exarnple.org' } }, { ownDomains: ['example.org'] }],
  ['FROM_MIXED_SCRIPT', { fields: { From: 'Pаypal <a@example.net>' } }],
  ['FROM_NAME_ADDRESS', { fields: { From: '"boss@corp.example" <x@evil.example>' } }],
  ['FROM_BRAND', { fields: { From: 'PayPal Service <x@evil.example>' } }],
  ['FROM_BRAND', { fields: { From: 'PаyPаl Service <x@evil.example>' } }],
  ['FROM_MISSING', { fields: { From: '-' } }],
  ['REPLY_ELSEWHERE', { fields: { 'Reply-To': 'x@elsewhere.example' } }],
  ['DATE_FUTURE', { fields: { Date: 'Mon, 30 Nov 2026 10:00:00 +0000' } }, { nowMs }],
  ['DATE_MISSING', { fields: { Date: '-' } }],
  ['MESSAGE_ID_MISSING', { fields: { 'Message-ID': '-' } }],
  ['SUBJECT_SHOUTS', { fields: { Subject: 'BUY THIS THING NOW' } }],
  ['SUBJECT_MIXED_SCRIPT', { fields: { Subject: 'your аccount' } }],
  ['URL_ADDRESS', { body: 'http://192.0.2.7/x' }],
  ['URL_USER', { body: 'https://bank.example@evil.example/' }],
  ['URL_PORT', { body: 'http://evil.example:81/' }],
  ['URL_MIXED_SCRIPT', utf8('http://pаypal.example/')],
  ['URL_LOOKALIKE', { body: 'http://www.examp1e.org/' }, { ownDomains: ['example.org'] }],
  ['LINK_LIES', html('<a href="http://evil.example/x">http://bank.example/</a>')],
  ['HTML_CUT_WORDS', html('vi<!-- a -->ag<!-- b -->ra ci<!-- c -->alis')],
  ['HTML_HIDDEN', html('<p style="display:none">words</p>')],
  ['HTML_FORM', html('<form action=x>')],
  ['HTML_SCRIPT', html('<script>x</script>')],
  ['HTML_ONLY', html('<p>x</p>')],
  ['TEXT_INVISIBLE', utf8('v\u200bi\u200ba\u200bg\u200br\u200ba '.repeat(5))],
  ['TEXT_MIXED_SCRIPT', utf8('vіagra сialis раypal')],
  [
    'TEXT_BASE64',
    {
      fields: { 'Content-Transfer-Encoding': 'base64' },
      body: Buffer.from('buy this now, my dear friend').toString('base64'),
    },
  ],
  ['ATTACHMENT_PROGRAM', attached('photo.exe')],
  ['ATTACHMENT_DISGUISED', attached('invoice.pdf.exe')],
  ['ADVANCE_FEE', { body: 'I am the next of kin of the late minister.' }],
  ['DRUGS', { body: 'cheap viagra' }],
];

test('a plain message meets no rule', () => {
  assert.deepEqual(hits({}, { nowMs, ownDomains: ['example.org'], verdicts }), []);
});

for (const [rule, mail, around] of cases) {
  test(`${rule} holds`, () => {
    assert.ok(hits(mail, around).includes(rule), hits(mail, around).join(' '));
  });
}

test('every rule has a case', () => {
  const tried = new Set(cases.map(([rule]) => rule));
  assert.deepEqual(
    rules.filter(({ name }) => !tried.has(name)).map(({ name }) => name),
    [],
  );
});

test('words are found behind comments, invisible characters and base64', () => {
  assert.ok(hits(html('cheap via<!-- x -->gra')).includes('DRUGS'));
  assert.ok(hits(utf8('cheap vi\u200bag\u00adra')).includes('DRUGS'));
  const body = Buffer.from('cheap viagra').toString('base64');
  assert.ok(hits({ fields: { 'Content-Transfer-Encoding': 'base64' }, body }).includes('DRUGS'));
});

test('own names and those below them look like none', () => {
  assert.equal(looksLike('example.org', ['example.org']), undefined);
  assert.equal(looksLike('mail.example.org', ['example.org']), undefined);
  assert.equal(looksLike('unrelated.net', ['example.org']), undefined);
  assert.equal(looksLike('exmaple.org', ['example.org']), 'example.org');
  assert.equal(looksLike('xn--exmple-4nf.org', ['example.org']), 'example.org');
});

test('lists are asked for registered names and turned addresses, each once', () => {
  const urls = urlsIn('http://a.evil.co.uk/ https://b.evil.co.uk www.x.example. http://192.0.2.7/');
  assert.deepEqual(hostsToAsk(urls), ['evil.co.uk', 'x.example', '7.2.0.192']);
  assert.equal(urlsIn('http://a.example '.repeat(urlsMax + 1)).length, urlsMax);
});

test('lists are asked for the host that a browser would go to, however it is written', () => {
  const asked = (text: string) => hostsToAsk(urlsIn(text));
  for (const host of [
    ...['evil。test', 'ｅｖｉｌ.test', 'ev\u00adil.test', 'evil&#46;test', '&#x65;vil&#46test'],
    ...['%65vil.test', 'EVIL.test.'],
  ]) {
    assert.deepEqual(asked(`http://${host}/x`), ['evil.test'], host);
  }
  for (const host of ['3221225991', '0xc0.0.0x2.7', '192.0.519', '0300.0.2.7']) {
    assert.deepEqual(asked(`http://${host}/x`), ['7.2.0.192'], host);
  }
  for (const text of ['http:/evil.test', 'HTTPS:\\\\evil.test', 'http:////evil.test']) {
    assert.deepEqual(asked(text), ['evil.test'], text);
  }
  assert.deepEqual(asked('пишите на http://почта.рф'), ['xn--80a1acny.xn--p1ai']);
  assert.deepEqual(asked('http://999.1.1.1 http://a..b http://a_b http://[::1]'), []);
  const many = Array.from({ length: 40 }, (_, i) => `http://h${i}.test`).join(' ');
  assert.equal(asked(many).length, 20);
  assert.deepEqual([asked(many)[0], asked(many).at(-1)], ['h0.test', 'h39.test']);
});
