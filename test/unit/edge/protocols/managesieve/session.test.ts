/**
 * Aim: a ManageSieve session bounds what a client can cost: time, memory, commands; and ends with what let it in.
 * Method: the session on a line in memory; time is turned by hand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Answer } from '../../../../../src/actors/ask.ts';
import { sieveAsks } from '../../../../../src/actors/asks/sieve-asks.ts';
import { minuteMs } from '../../../../../src/base/units.ts';
import { ManageSieveSession } from '../../../../../src/edge/protocols/managesieve/session.ts';
import { FakeManageSieve } from '../../../../support/managesieve-fakes.ts';
import { fakeTls, transportOf } from '../../../../support/memory-line.ts';
import { WireClient } from '../../../../support/wire-client.ts';

const plainOfAlice = Buffer.from('\0alice@local.test\0secret').toString('base64');

async function begun(fake: FakeManageSieve, isLoggedIn = true) {
  const { client, far } = WireClient.inMemory();
  const session = new ManageSieveSession(fake.service, transportOf(far), '192.0.2.1', fakeTls);
  far.on('data', (chunk: Buffer) => session.receive(chunk));
  session.open();
  await untilOk(client);
  if (isLoggedIn) {
    client.send(Buffer.from(`AUTHENTICATE "PLAIN" "${plainOfAlice}"\r\n`));
    await untilOk(client);
  }
  return { client, session };
}

async function untilOk(client: WireClient): Promise<void> {
  for (;;) {
    const line = await client.line();
    assert.ok(line !== undefined);
    if (line.startsWith('OK')) return;
  }
}

/** Coarse time, as the listener's sweep tells it. */
function after(fake: FakeManageSieve, session: ManageSieveSession, ms: number): void {
  fake.service.tickMs += ms;
  session.sweep(fake.service.tickMs);
}

test('who does not log in, and who says nothing, is sent away', async () => {
  const fake = new FakeManageSieve({ earlyMsMax: minuteMs, idleMsMax: 30 * minuteMs });
  const early = await begun(fake, false);
  after(fake, early.session, minuteMs + 1);
  assert.equal(await early.client.line(), 'BYE "Too long without a word"');
  const idle = await begun(fake);
  after(fake, idle.session, 30 * minuteMs);
  assert.equal(idle.session.isEnded, false);
  after(fake, idle.session, 2);
  assert.equal(await idle.client.line(), 'BYE "Too long without a word"');
});

test('who logs out has as long for the next log-in as at the beginning', async () => {
  const fake = new FakeManageSieve({ earlyMsMax: minuteMs, idleMsMax: 30 * minuteMs });
  const { client, session } = await begun(fake);
  after(fake, session, 10 * minuteMs);
  client.send(Buffer.from('UNAUTHENTICATE\r\n'));
  await untilOk(client);
  after(fake, session, minuteMs);
  assert.equal(session.isEnded, false);
  after(fake, session, 1);
  assert.equal(await client.line(), 'BYE "Too long without a word"');
});

test('a minute has so many commands; more wait for the next', async () => {
  const fake = new FakeManageSieve({ commandsPerMinuteMax: 3 });
  const { client, session } = await begun(fake);
  client.send(Buffer.from('NOOP "1"\r\nNOOP "2"\r\nNOOP "3"\r\n'));
  assert.match((await client.line())!, /"1"/);
  assert.match((await client.line())!, /"2"/);
  await turn();
  after(fake, session, minuteMs);
  assert.match((await client.line())!, /"3"/);
});

test('while a command runs, so much waits and no more', async () => {
  const fake = new FakeManageSieve();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  fake.answers.set(sieveAsks.list, promise);
  let isPaused = false;
  const { far, client } = WireClient.inMemory();
  const transport = transportOf(far);
  const session = new ManageSieveSession(
    fake.service,
    Object.assign(Object.create(transport) as typeof transport, {
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
      },
    }),
    '192.0.2.1',
    fakeTls,
  );
  session.open();
  session.receive(Buffer.from(`AUTHENTICATE "PLAIN" "${plainOfAlice}"\r\n`));
  await untilOk(client);
  await untilOk(client);
  session.receive(Buffer.from('LISTSCRIPTS\r\n'));
  const noop = Buffer.from('NOOP\r\n'.repeat(1_000));
  for (let i = 0; i < 3; i++) session.receive(noop);
  assert.equal(isPaused, true);
  resolve({ ok: true, value: [] });
  await untilOk(client);
  for (let i = 0; i < 3_000; i++) assert.equal(await client.line(), 'OK "Done"');
  assert.equal(isPaused, false);
});

test('a session ends when what let it in does, and when the server goes down', async () => {
  const fake = new FakeManageSieve();
  const { client, session } = await begun(fake);
  session.accessEnded();
  assert.equal(await client.line(), 'BYE "You are logged out"');
  const other = await begun(fake);
  other.session.drain();
  assert.equal(await other.client.line(), 'BYE (TRYLATER) "Going down"');
});

test('an answer that never comes right is told in words of ours', async () => {
  const fake = new FakeManageSieve();
  const { client } = await begun(fake);
  fake.answers.set(sieveAsks.list, { ok: false, code: 'store-failed', detail: 'secret path' });
  client.send(Buffer.from('LISTSCRIPTS\r\n'));
  assert.equal(await client.line(), 'NO (TRYLATER) "Not possible now, try again later"');
  fake.answers.set(sieveAsks.list, Promise.reject(new Error('a bug')));
  client.send(Buffer.from('LISTSCRIPTS\r\n'));
  assert.equal(await client.line(), 'BYE (TRYLATER) "The server failed"');
});
