/**
 * Aim: what happened the moment before the server was killed can still be told, by the command on the stopped store.
 * Method: a server process of its own, SIGKILL, `chaski trace`.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import type { TraceEvent } from '../../src/actors/asks/control.ts';
import { commandOut } from '../support/account-mail.ts';
import { NextHop } from '../support/next-hop.ts';
import { eventually } from '../support/test-server.ts';

it('a killed server tells afterwards all that its journal has', async () => {
  await using hop = await new NextHop().start();
  const folder = mkdtempSync(join(tmpdir(), 'chaski-trace-'));
  const port = await freePort();
  const environment = relayEnvironment(join(folder, 'data'), port, hop.port);
  const server = serve(environment, folder);
  try {
    await untilGreets(port, 90_000, () => server.isRunning);
    const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
    const envelope = { from: 'a@far.test', to: ['b@far.test'] };
    const mail = { envelope, from: 'a@far.test', to: 'b@far.test', text: 'Hi' };
    const { response } = await transport.sendMail(mail);
    transport.close();
    await eventually('the delivery', () => (hop.messages.length > 0 ? true : undefined));
    // Its outcome is written with the next parcel, at most 50 ms later: far sooner than the event log would be.
    await sleep(150);
    await server.stop('SIGKILL');
    const id = /queued as (\w+)/.exec(response)![1]!;
    const told = await commandOut(['trace', id, '--json'], environment);
    const { events } = JSON.parse(told) as { events: TraceEvent[] };
    assert.deepEqual(
      events.map((event) => event.kind),
      ['accepted', 'delivered'],
    );
    const words = await commandOut(['trace', 'B@far.test'], environment);
    assert.match(
      words,
      new RegExp(`${id} accepted from=<a@far\\.test> to=<b@far\\.test> \\d+ bytes`),
    );
    assert.match(words, new RegExp(`${id} delivered .* at 127\\.0\\.0\\.1`));
  } finally {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
