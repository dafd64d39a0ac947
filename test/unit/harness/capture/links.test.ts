/**
 * Aim: links are found as mail programs find them and graded by what can be seen; header checks tell good from bad.
 * Method: pieces of HTML and headers with what is said of each.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessage } from '../../../../src/harness/capture/captured-message.ts';
import { dispositionOf, safeName, safeType } from '../../../../src/harness/capture/download.ts';
import { checkHeader } from '../../../../src/harness/capture/header-checks.ts';
import { htmlText, scanHtml } from '../../../../src/harness/capture/html-scan.ts';
import { type Link, linksOf } from '../../../../src/harness/capture/links.ts';

async function linksIn(html: string): Promise<readonly Link[]> {
  const { email } = await readMessage(Buffer.from(`Content-Type: text/html\r\n\r\n${html}`));
  return linksOf({ ...email!, text: undefined });
}

test('each kind of link gets its grade and a sentence', async () => {
  const cases: readonly (readonly [html: string, grade: string, what: RegExp])[] = [
    ['<a href="https://example.com/a?b=1&amp;c=2">x</a>', 'ok', /^$/],
    ['<a href="http://example.com">x</a>', 'warning', /not encrypted/],
    ['<a href="">x</a>', 'fault', /leads nowhere/],
    ['<a href="#">x</a>', 'fault', /leads nowhere/],
    ['<a href="#part">x</a>', 'ok', /place in this message/],
    ['<a href="/account">x</a>', 'fault', /relative/],
    ['<a href="https://example.com/{{token}}">x</a>', 'fault', /placeholder/],
    ['<a href="https://example.com/undefined">x</a>', 'fault', /placeholder/],
    ['<a href="https://exa mple.com">x</a>', 'fault', /space/],
    ['<a href="https://">x</a>', 'fault', /not a URL/],
    ['<a href="javascript:alert(1)">x</a>', 'fault', /javascript:/],
    ['<a href="java&#115;cript&colon;x">x</a>', 'fault', /javascript:/],
    ['<a href="mailto:ann@example.com?subject=x">x</a>', 'ok', /^$/],
    ['<a href="mailto:ann">x</a>', 'fault', /no address/],
    ['<a href="tel:+511234567">x</a>', 'ok', /^$/],
    ['<a href="https://192.0.2.1/">x</a>', 'warning', /an address/],
    ['<a href="http://[2001:db8::1]/">x</a>', 'warning', /an address/],
    ['<a href="https://intranet/">x</a>', 'warning', /this machine or network/],
    ['<a href="https://bank.example@evil.example/">x</a>', 'warning', /user name/],
    [
      '<a href="https://evil.example/">https://bank.example/login</a>',
      'warning',
      /shows bank\.example/,
    ],
    ['<a href="https://www.bank.example/">bank.example</a>', 'ok', /^$/],
    ['<a href="https://xn--bcher-kva.example/">x</a>', 'notice', /other scripts/],
    ['<img src="https://example.com/p.gif" alt="Logo">', 'ok', /^$/],
    ['<FORM ACTION=http://example.com/f>', 'warning', /not encrypted/],
  ];
  for (const [html, grade, what] of cases) {
    const [link] = await linksIn(html);
    assert.equal(link?.grade, grade, html);
    assert.match(link!.what, what, html);
  }
});

test('links are bounded, and none is made of pictures that came along', async () => {
  const many = await linksIn('<a href="https://example.com">x</a>'.repeat(2_000));
  assert.equal(many.length, 500);
  assert.deepEqual(await linksIn('<img src="cid:a@b"><img src="data:image/png;base64,">'), []);
});

test('addresses in plain text are links without the sentence around them', async () => {
  const { email } = await readMessage(
    Buffer.from('Subject: x\r\n\r\nSee https://example.com/a. (Or https://example.com/b)\r\n'),
  );
  assert.deepEqual(
    linksOf(email!).map(({ url, where }) => `${where} ${url}`),
    ['text https://example.com/a', 'text https://example.com/b'],
  );
});

test('HTML is read as text without scripts, comments and tags', () => {
  const html =
    '<!doctype html><style>p{}</style><p>One &lt;b&gt;</p><!-- <p>no</p> --><script>no()</script>' +
    '<div>two < three&nbsp;&#8364;</div>';
  assert.equal(htmlText(html), 'One <b>\ntwo < three €');
});

test('any text is scanned to its end, in time that grows with its length', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '</',
    '<!--',
    '-->',
    '<a ',
    'href=',
    '"',
    "'",
    ' ',
    'x',
    '&#x',
    '<script',
    '=',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 80 }), (pieces) => {
      const found = [...scanHtml(pieces.join(''))];
      assert.ok(found.length <= pieces.length + 1);
    }),
  );
  for (const bomb of [
    '<a '.repeat(50_000),
    '<a x="'.repeat(50_000),
    '<!--'.repeat(50_000),
    `<a${' '.repeat(200_000)}`,
  ]) {
    const beganMs = performance.now();
    for (const _ of scanHtml(bomb));
    assert.ok(performance.now() - beganMs < 1_000, bomb.slice(0, 10));
  }
});

async function gradesOf(header: readonly string[], sender = 'bounce@example.com') {
  const source = Buffer.from(`${header.join('\r\n')}\r\n\r\nbody\r\n`);
  const { email } = await readMessage(source);
  const envelope = {
    ...{ sender, recipients: ['r@x.test'], receivedMs: Date.UTC(2026, 0, 1) },
    ...{ client: '', via: '', isEncrypted: false },
  };
  const checks = checkHeader({ email: email!, source, envelope });
  return Object.fromEntries(checks.map(({ name, grade }) => [name, grade]));
}

const good = [
  ...['From: Ann <ann@example.com>', 'Subject: Hello', 'Message-ID: <1@example.com>'],
  'Date: Thu, 01 Jan 2026 10:00:00 +0000',
];

test('a good header has no fault; each field that is missing or wrong has its own', async () => {
  const grades = await gradesOf(good);
  assert.deepEqual(
    Object.values(grades).filter((each) => each === 'fault' || each === 'warning'),
    [],
  );
  const without = async (name: string) =>
    await gradesOf(good.filter((line) => !line.startsWith(`${name}:`)));
  assert.equal((await without('Date')).Date, 'fault');
  assert.equal((await without('Message-ID'))['Message-ID'], 'fault');
  assert.equal((await without('From')).From, 'fault');
  assert.equal((await without('Subject')).Subject, 'warning');
  assert.equal((await gradesOf([...good, 'From: b@example.com'])).From, 'fault');
  const old = await gradesOf([...good.slice(0, 3), 'Date: Thu, 01 Jan 2020 10:00:00 +0000']);
  assert.equal(old.Date, 'warning');
  assert.equal((await gradesOf([...good.slice(0, 3), 'Date: soon'])).Date, 'fault');
  const long = await gradesOf([...good, `X-Long: ${'x'.repeat(1_000)}`]);
  assert.equal(long['Line length'], 'fault');
});

test('DMARC can pass by an aligned sender or an aligned signature', async () => {
  const of = async (sender: string, ...more: string[]) =>
    (await gradesOf([...good, ...more], sender))['DMARC alignment'];
  assert.equal(await of('bounce@example.com'), 'ok');
  assert.equal(await of('bounce@mail.example.com'), 'ok');
  assert.equal(await of('bounce@esp.example'), 'warning');
  assert.equal(await of(''), 'warning');
  assert.equal(
    await of('b@esp.example', 'DKIM-Signature: v=1; a=x; d=mail.example.com; s=a'),
    'ok',
  );
  assert.equal(await of('b@esp.example', 'DKIM-Signature: v=1; d=esp.example; s=a'), 'warning');
});

test('a mailing needs a way out in one click (RFC 8058), a receipt does not', async () => {
  const of = async (...more: string[]) => (await gradesOf([...good, ...more]))['List-Unsubscribe'];
  const post = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click';
  assert.equal(await of(), 'notice');
  assert.equal(await of('List-Id: <a.example.com>'), 'fault');
  assert.equal(await of('Precedence: bulk'), 'fault');
  assert.equal(await of('List-Unsubscribe: <https://example.com/u>', post), 'ok');
  assert.equal(await of('List-Unsubscribe: <https://example.com/u>'), 'warning');
  assert.equal(await of('List-Unsubscribe: <mailto:u@example.com>', post), 'fault');
  assert.equal(await of('List-Unsubscribe: click here'), 'fault');
});

test('names of parts are one harmless file name each', () => {
  const cases: readonly (readonly [string | null, string])[] = [
    ['invoice.pdf', 'invoice.pdf'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['a\\b:c*d?.txt', 'a_b_c_d_.txt'],
    ['x\u202egpj.exe', 'xgpj.exe'],
    ['a\r\nSet-Cookie: x', 'aSet-Cookie_ x'],
    ['.bashrc', 'bashrc'],
    ['con.txt', '_con.txt'],
    ['name. . ', 'name'],
    ['', 'part-1'],
    [null, 'part-1'],
    ['Fotos über Perú.zip', 'Fotos über Perú.zip'],
  ];
  for (const [given, expected] of cases) assert.equal(safeName(given, 'part-1'), expected);
  const long = safeName(`${'x'.repeat(500)}.pdf`, 'part-1');
  assert.ok(long.length === 120 && long.endsWith('.pdf'));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (given) => {
      const name = safeName(given, 'part-1');
      assert.match(name, /^[^/\\\p{Cc}\p{Cf}]{1,121}$/u);
      // A header of Node throws for what would break it.
      new Headers({ 'content-disposition': dispositionOf(name) });
    }),
  );
});

test('types that a browser runs are sent as plain bytes', () => {
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/javascript',
    'x',
  ]) {
    assert.equal(safeType(type), 'application/octet-stream');
  }
  assert.equal(safeType('IMAGE/PNG'), 'image/png');
});

test('a name is cut between letters, never within one', () => {
  const name = safeName(`a${'😀'.repeat(80)}.pdf`, 'part');
  assert.ok(name.endsWith('.pdf') && name.isWellFormed());
  assert.match(dispositionOf(name), /^attachment; filename="a_/);
});

test('a date of nothing but brackets costs no time', async () => {
  const source = Buffer.from(`Date: ${'('.repeat(500_000)}\r\nFrom: a@b.test\r\n\r\nx\r\n`);
  const { email } = await readMessage(source);
  const envelope = { sender: 's@b.test', recipients: [], receivedMs: 0, client: '', via: '' };
  const beganMs = performance.now();
  const checks = checkHeader({
    email: email!,
    source,
    envelope: { ...envelope, isEncrypted: false },
  });
  assert.ok(performance.now() - beganMs < 5_000);
  assert.equal(checks.find(({ name }) => name === 'Date')?.grade, 'fault');
});
