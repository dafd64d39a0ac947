/**
 * Aim: TLS and AUTH are had when they are asked for, timed, and never quietly left out.
 * Method: the package smtp-server as the server, over loopback.
 */

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { LoadRun } from '../../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { testCertificate } from '../../../../support/certificate.ts';

const count = 20;

interface Seen {
  messages: number;
  readonly users: Set<string>;
  isSecure: boolean;
}

async function serve(context: TestContext, options: SMTPServerOptions) {
  const seen: Seen = { messages: 0, users: new Set(), isSecure: false };
  const server = new SMTPServer({
    ...testCertificate(),
    authOptional: true,
    onAuth: (auth, _session, done) => {
      if (auth.password !== 'secret') done(new Error('no'));
      else done(null, { user: auth.username ?? '' });
    },
    onData: (stream, session, done) => {
      seen.messages++;
      seen.isSecure = session.secure;
      if (session.user !== undefined) seen.users.add(`${session.user}`);
      stream.resume().once('end', () => done());
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { seen, target: `127.0.0.1:${port}` };
}

async function play(target: string, group: object) {
  const common = {
    protocol: 'smtp',
    target,
    sessions: 2,
    count,
    perConnection: 5,
    patience: '200ms',
  };
  const value = { groups: [{ ...common, ...group }] };
  const plan = readScenario(value, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const { groups } = await new LoadRun(plan, adapters).run();
  const { operations, closings, copies } = groups[0]!;
  return { phases: operations.session?.phases ?? {}, closings, ok: copies.ok };
}

test('STARTTLS is begun before anything is sent, and timed', async (context) => {
  const { seen, target } = await serve(context, {});
  const { ok, phases } = await play(target, { tls: 'starttls' });
  assert.deepEqual([ok, seen.messages, seen.isSecure], [count, count, true]);
  assert.deepEqual(Object.keys(phases), ['connect', 'greeting', 'ehlo', 'tls']);
  assert.equal(phases.ehlo!.count, 2 * phases.tls!.count);
  // Four take all messages; a fifth may have opened when the last of them was given away.
  assert.ok(phases.tls!.count >= 4 && phases.tls!.count <= 5, `${phases.tls!.count}`);
});

test('implicit TLS comes before the greeting', async (context) => {
  const { seen, target } = await serve(context, { secure: true });
  const { ok, phases } = await play(target, { tls: 'implicit', pipeline: true });
  assert.deepEqual([ok, seen.isSecure], [count, true]);
  assert.deepEqual(Object.keys(phases), ['connect', 'tls', 'greeting', 'ehlo']);
});

for (const auth of ['plain', 'login'] as const) {
  test(`AUTH ${auth}: each sender sends as itself, by weight`, async (context) => {
    const { seen, target } = await serve(context, {});
    const senders = [
      { from: 'a@x', user: 'ann', password: 'secret', weight: 3 },
      { from: 'b@x', user: 'ben', password: 'secret' },
    ];
    const { ok, phases } = await play(target, { tls: 'starttls', auth, senders });
    assert.equal(ok, count);
    assert.deepEqual([...seen.users].sort(), ['ann', 'ben']);
    // Four take all messages; a fifth may have opened when the last of them was given away.
    assert.ok([4, 5].includes(phases.auth!.count), `${phases.auth!.count} log-ins`);
  });
}

test('what was asked for and cannot be had ends the session, and the report says why', async (context) => {
  const bare = await serve(context, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const tls = await play(bare.target, { tls: 'starttls' });
  assert.deepEqual(Object.keys(tls.closings), ['the server offers no STARTTLS']);
  const auth = await play(bare.target, { user: 'u', password: 'secret' });
  assert.deepEqual(Object.keys(auth.closings), ['the server offers no AUTH we know']);
  const chunking = await play(bare.target, { chunking: true });
  assert.deepEqual(Object.keys(chunking.closings), ['the server offers no CHUNKING']);
  assert.equal(bare.seen.messages, 0);
  const full = await serve(context, {});
  const wrong = await play(full.target, { tls: 'starttls', user: 'u', password: 'wrong' });
  assert.match(Object.keys(wrong.closings)[0]!, /^535 /);
  const verified = await play(full.target, { tls: 'starttls', verify: true });
  assert.match(Object.keys(verified.closings)[0]!, /self.signed/);
  assert.equal(full.seen.messages, 0);
});
