/** Aim: whoever writes is told whether to come again, and whether the change may be there. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DatabaseAway, writeFault } from '../../../../src/adapters/postgres/faults.ts';
import { MailError } from '../../../../src/base/errors.ts';
import { IndexMoved } from '../../../../src/ports/shard-index.ts';

it('says of a database that went away whether something may have been changed', () => {
  const away = new DatabaseAway('no answer in 5000 ms');
  const before = writeFault(away, false) as MailError;
  assert.equal(before.code, 'store-busy');
  assert.match(before.detail, /nothing was changed, try again later: no answer in 5000 ms/);
  const within = writeFault(away, true) as MailError;
  assert.equal(within.code, 'store-failed');
  assert.match(within.detail, /may be there or not/);
});

it('takes what the database finds wrong with a value for a wrong argument', () => {
  const fault = Object.assign(new Error('invalid input syntax'), { code: '22P02' });
  assert.equal((writeFault(fault, false) as MailError).code, 'argument-invalid');
});

it('leaves faults that callers know as they are', () => {
  for (const fault of [new IndexMoved('x'), new MailError('not-found')]) {
    assert.equal(writeFault(fault, false), fault);
  }
});
