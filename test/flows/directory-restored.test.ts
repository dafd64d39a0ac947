/**
 * Aim:    a directory that was set back to an older state, or lost, gives no number again that mail is kept under.
 * Method: the real server; its directory's folder is taken away while it is stopped.
 */

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const create = async (server: TestServer, name: string) => {
  const address = `${name}@here.test`;
  await server.call('account.create', { address });
  return (await server.call('account.show', { address })).account;
};

test('an account that is made after its directory was lost opens no old mail', async () => {
  await using server = await startTestServer();
  await server.call('domain.create', { name: 'here.test' });
  const ids: number[] = [];
  for (const name of ['ann', 'bob', 'cid']) ids.push((await create(server, name)).id);
  await server.call('account.delete', { address: 'cid@here.test' });
  await server.call('account.set', { address: 'ann@here.test', quotaBytes: 77 });
  await server.stop();
  rmSync(join(server.folder, 'data', 'directory'), { recursive: true });
  await using again = await startTestServer({}, { folder: server.folder });
  await again.call('domain.create', { name: 'here.test' });
  const eve = await create(again, 'eve');
  assert.deepEqual(ids, [1, 2, 3]);
  assert.equal(eve.id, 4);
  assert.equal(eve.messageCount, 0);
  assert.equal((await create(again, 'fay')).id, 5);
});
