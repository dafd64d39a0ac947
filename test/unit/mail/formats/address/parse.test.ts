/** Aim: addresses read as RFC 5322 has them, and doubtful ones are marked. Method: the RFC's examples, isemail's cases. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Address,
  addressesMax,
  mailboxesOf,
  parseAddressList,
} from '../../../../../src/mail/formats/address/parse.ts';
import { fixtureJson } from '../../../../support/mail-fixtures.ts';

/** `name <local@domain>`, a question mark after what is doubtful, groups as `name:[…]`. */
function shown(addresses: readonly Address[]): string[] {
  return addresses.map((address) => {
    if (address.kind === 'group') return `${address.name}:[${shown(address.members).join(' ')}]`;
    const { name, route, localPart, domain, isValid } = address;
    return `${name}<${route}${route === '' ? '' : ':'}${localPart}@${domain}>${isValid ? '' : '?'}`;
  });
}

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['one address', 'joe@example.org', ['<joe@example.org>']],
  ['a name', 'Joe Q. Public <joe@example.org>', ['Joe Q. Public<joe@example.org>']],
  ['a quoted name', '"Public, \\"Joe\\"" <joe@example.org>', ['Public, "Joe"<joe@example.org>']],
  ['several', 'a@b.c, D <d@e.f>,, g@h.i,', ['<a@b.c>', 'D<d@e.f>', '<g@h.i>']],
  ['a name in a comment', 'joe@example.org (Joe Public)', ['Joe Public<joe@example.org>']],
  ['nested comments', 'a (b (c) \\) d) <e@f.g>', ['a<e@f.g>']],
  ['a quoted local part', '"a b"@example.org', ['<a b@example.org>']],
  ['a literal', 'a@[192.0.2.1]', ['<a@[192.0.2.1]>']],
  ['a group', 'A Group:Ed <ed@a.b>,joe@c.d;', ['A Group:[Ed<ed@a.b> <joe@c.d>]']],
  ['an empty group', 'Undisclosed recipients:;', ['Undisclosed recipients:[]']],
  ['a group and more', 'g:a@b.c;, d@e.f', ['g:[<a@b.c>]', '<d@e.f>']],
  ['an open group', 'g: a@b.c', ['g:[<a@b.c>]']],
  ['a route', '<@x.test,@y.test:jdoe@z.test>', ['<@x.test,@y.test:jdoe@z.test>']],
  ['obsolete white space', 'a . b @ example (c) . org', ['c<a.b@example.org>']],
  ['UTF-8', 'Jörg <jörg@bücher.example>', ['Jörg<jörg@bücher.example>']],
  ['encoded words stay', '=?utf-8?Q?J=C3=B6rg?= <j@x.y>', ['=?utf-8?Q?J=C3=B6rg?=<j@x.y>']],
  ['a semicolon as comma', 'a@b.c; d@e.f', ['<a@b.c>', '<d@e.f>']],
  ['no domain', 'root', ['<root@>?']],
  ['a bracket that stays open is not passed over', 'a@b.c,[d@e.f', ['<a@b.c>', '<@>?']],
  ['a literal alone is not, either', 'a@b.c, [192.0.2.1]', ['<a@b.c>', '<@>?']],
  ['a name without brackets', 'Big Bug bb@bug.com', ['Big Bug<bb@bug.com>?']],
  ['an address as name', 'a@b.c <d@e.f>', ['a@b.c<d@e.f>?']],
  ['two addresses in one', '<a@b.c> <d@e.f>', ['<a@b.c>?']],
  ['an empty address', '<>', ['<@>?']],
  ['no end', 'x <a@b.c', ['x<a@b.c>?']],
  ['two at signs', 'a@b@c.d', ['<a@b>?']],
  [
    'dots in the wrong place',
    '.a@b.c, a..b@c.d, a.@b.c',
    ['<.a@b.c>?', '<a..b@c.d>?', '<a.@b.c>?'],
  ],
  ['nothing', ' , ;', []],
];

describe('address lists', () => {
  for (const [name, text, expected] of cases) {
    test(name, () => assert.deepEqual(shown(parseAddressList(text)), expected));
  }
});

test('mailboxes of groups count', () => {
  const names = mailboxesOf(parseAddressList('a@b.c, g: d@e.f, h@i.j;, k@l.m'));
  assert.deepEqual(
    names.map(({ localPart }) => localPart),
    ['a', 'd', 'h', 'k'],
  );
});

test('a list without end is read up to its bound', () => {
  assert.equal(parseAddressList('a@b.c,'.repeat(addressesMax + 5)).length, addressesMax);
});

interface EmailCase {
  readonly address: string;
  readonly category: string;
  readonly diagnosis: string;
}

test('isemail agrees on what is an address', () => {
  const wrong: string[] = [];
  for (const { address, category, diagnosis } of fixtureJson<readonly EmailCase[]>(
    'address/isemail.json',
  )) {
    // The suite shows control characters by their pictures.
    const real = address.replace(/[\u2400-\u2421]/g, (picture) =>
      picture === '\u2421' ? '\x7f' : String.fromCharCode(picture.charCodeAt(0) - 0x2400),
    );
    const list = parseAddressList(real.replace(/\r\n(?=[ \t])/g, ''));
    const isValid = list.length === 1 && list[0]!.kind === 'mailbox' && list[0]!.isValid;
    // We refuse control characters and white space or backslashes in literals, obsolete as they are.
    const isObsolete =
      /[\x00-\x08\x0a-\x1f\x7f]|\[.*[\s\\].*\]/.test(real) && category !== 'ISEMAIL_ERR';
    // RFC 6532 lets UTF-8 stand in a quoted pair; the suite is older.
    const isNewer = /[\x80-\uffff]/.test(real);
    if (isValid !== (category !== 'ISEMAIL_ERR') && !isObsolete && !isNewer) wrong.push(diagnosis);
  }
  assert.deepEqual(wrong, []);
});
