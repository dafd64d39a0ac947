/** A server on a disk without room says so to clients before they send, and to whoever asks whether it is ready. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

it('refuses mail at MAIL for now, and is not ready, below data.diskFreeBytesMin', async () => {
  await using test = await startTestServer({
    'data.diskFreeBytesMin': '16384GiB',
    'listen.http': '127.0.0.1:0',
  });
  const client = await WireClient.connect(test.ports.smtp!);
  await client.line();
  for (const line of ['HELO me.test', 'MAIL FROM:<a@a.test>']) {
    client.send(Buffer.from(`${line}\r\n`));
  }
  assert.match((await client.line())!, /^250 /);
  assert.match((await client.line())!, /^452 4\.3\.1 /);

  const answer = await fetch(`http://127.0.0.1:${test.ports.http}/readyz`);
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), {
    isReady: false,
    faults: ['no new mail into shard 0, 1, 2, 3: less than data.diskFreeBytesMin is free'],
  });
});
