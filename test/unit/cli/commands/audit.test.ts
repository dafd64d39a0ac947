/** Aim: a list of the audit log that is not the whole of it says so, to people. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asked } from '../asked.ts';

const page = (hasMore: boolean) => ({ log: 'l', entries: [{}], hasMore, lastSequence: 1 });
const list = (hasMore: boolean, ...more: string[]) =>
  asked(['audit', 'list', '--limit', '1', ...more], 'audit.list', page(hasMore));

test('entries that are not shown are told of, and only where there are some', async () => {
  assert.match((await list(true)).error, /^There are more: /);
  assert.equal((await list(false)).error, '');
  assert.equal((await list(true, '--json')).error, '');
});
