/** Aim: flags, keywords and sizes in names of Maildir files are read as others write them, and written for them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  byArrival,
  maildirBase,
  maildirFlags,
  readKeywordList,
  readMaildirName,
  writeKeywordList,
} from '../../../../../src/mail/formats/maildir/file-name.ts';

describe('the name of a Maildir file', () => {
  it('tells flags and keywords', () => {
    const { flags } = readMaildirName('1700000000.M1P2.host:2,FRSab', ['$Own'], 10);
    assert.deepEqual(flags, ['\\Flagged', '\\Answered', '\\Seen', '$Own']);
    assert.deepEqual(readMaildirName('1.x;2,DPT', [], 10).flags, [
      '\\Draft',
      '$Forwarded',
      '\\Deleted',
    ]);
    assert.deepEqual(readMaildirName('1700000000.new', [], 10).flags, []);
    assert.deepEqual(readMaildirName('1.x:1,S', [], 10).flags, []);
  });

  it('says that a file is as on the wire when both sizes are its own', () => {
    assert.equal(readMaildirName('1.x,S=10,W=10:2,S', [], 10).isExact, true);
    assert.equal(readMaildirName('1.x,S=10,W=12:2,S', [], 10).isExact, false);
    assert.equal(readMaildirName('1.x,S=11,W=11:2,S', [], 10).isExact, false);
    assert.equal(readMaildirName('1.x', [], 10).isExact, false);
  });

  it('is read back as written', () => {
    const keywords = ['$Own', 'x'];
    const base = maildirBase({
      ...{ internalMs: 1_700_000_000_999, uidValidity: 5, uid: 7 },
      ...{ fileBytes: 10, wireBytes: 12 },
    });
    assert.equal(base, '1700000000.V5U7.chaski,S=10,W=12');
    const flags = ['\\Seen', '$Forwarded', 'x', '\\Draft', 'unlisted'];
    const name = `${base}${maildirFlags(flags, keywords)}`;
    assert.equal(name, `${base}:2,DPSb`);
    assert.deepEqual(readMaildirName(name, keywords, 10).flags, [
      '\\Draft',
      '$Forwarded',
      '\\Seen',
      'x',
    ]);
  });

  it('orders by the second it came, and the list of keywords comes back', () => {
    assert.ok(byArrival('9.b', '10.a') < 0 && byArrival('9.a', '9.b') < 0);
    assert.deepEqual(readKeywordList(writeKeywordList(['$Own', 'x'])), ['$Own', 'x']);
    assert.deepEqual(readKeywordList('99 far\nnonsense\n'), []);
  });
});
