/** Aim: lists of addresses are read as they are written, up to their bound; names are of lists or of none. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressListMax,
  isInList,
  parseAddressList,
  parseListName,
} from '../../../../src/mail/sieve/message/address-list.ts';

test('a line is an address or a domain; comments and case do not count', () => {
  const list = parseAddressList('# all\r\nAnn@A.test # friend\r\n\n@b.test\n');
  assert.deepEqual([...list], ['ann@a.test', '@b.test']);
  for (const value of ['ann@a.test', 'ANN@A.TEST', 'x@B.test', '"a@c"@b.test']) {
    assert.equal(isInList(list, value), true, value);
  }
  for (const value of ['bob@a.test', 'a.test', 'b.test', '', 'ann', 'x@b.test.c']) {
    assert.equal(isInList(list, value), false, value);
  }
});

test('a list has a bound', () => {
  const text = Array.from({ length: addressListMax + 1 }, (_, i) => `u${i}@a.test`).join('\n');
  const list = parseAddressList(text);
  assert.equal(list.size, addressListMax);
  assert.equal(isInList(list, `u${addressListMax}@a.test`), false);
});

test('RFC 6134: address books are own, tags are shared, all else is none', () => {
  assert.deepEqual(parseListName(':addrbook:default'), { isOwn: true, name: 'default' });
  assert.deepEqual(parseListName('URN:ietf:params:sieve:addrbook:Club'), {
    ...{ isOwn: true, name: 'club' },
  });
  assert.deepEqual(parseListName('tag:a.test,2026-01-01:VIP'), { isOwn: false, name: 'vip' });
  const long = 'n'.repeat(65);
  const none = ['', 'default', ':addrbook:', ':addrbook:../x', 'tag:a.test', 'tag::x', 'http://x/'];
  for (const name of [...none, `:addrbook:${long}`, 'tag:a.test:/x', ':addrbook:a\nb']) {
    assert.equal(parseListName(name), undefined, name);
  }
});
