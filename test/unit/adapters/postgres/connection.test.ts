/** Aim: a database that lets one in and then answers nothing ends a wait, and nothing else of this process. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../../../src/adapters/postgres/connection.ts';
import { DatabaseAway } from '../../../../src/adapters/postgres/faults.ts';

/** AuthenticationOk, ReadyForQuery. */
const letIn = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

it('ends a wait for a database that went silent, with no rejection that nobody hears', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.write(letIn));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connection = new Connection({
    ...{ host: '127.0.0.1', port, database: 'd', user: 'u', passwordFile: '' },
    ...{ tls: 'off', caFile: '', answerMsMax: 200 },
  });
  let isAborted = false;
  const asked = connection.ask(async (sql, signal) => {
    signal.addEventListener('abort', () => {
      isAborted = true;
    });
    await sql`SELECT 1`;
  });
  await assert.rejects(asked, DatabaseAway);
  assert.equal(isAborted, true);
  // What is rejected with nobody to hear it ends the process, and fails this test.
  await sleep(100);
  await connection.close();
  server.close();
});
