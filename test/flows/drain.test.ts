/** A server that goes down ends its sessions as their messages are answered, and waits for no peer that does not. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startTestServer } from '../support/test-server.ts';
import { WireClient } from '../support/wire-client.ts';

it('lets a session go as soon as its message is answered', async () => {
  await using test = await startTestServer({ 'shutdown.drainMsMax': '30s' });
  const client = await WireClient.connect(test.ports.smtp!);
  await client.line();
  for (const line of ['HELO me.test', 'MAIL FROM:<a@a.test>', 'RCPT TO:<b@[127.0.0.1]>', 'DATA']) {
    client.send(Buffer.from(`${line}\r\n`));
    await client.line();
  }
  const beganMs = performance.now();
  const stopped = test.stop();
  client.send(Buffer.from('Subject: late\r\n\r\ntext\r\n.\r\n'));
  assert.match((await client.line())!, /^250 /);
  assert.match((await client.line())!, /^421 4\.3\.2 /);
  // The peer does not close: that is not waited for either.
  await stopped;
  assert.ok(performance.now() - beganMs < 10_000);
});
