/**
 * Aim: the POP3 load tells the truth about each visit, whatever the server does.
 * Method: a server that follows a script, over loopback.
 */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { totalsOf } from '../../../../../src/harness/measure/totals.ts';
import { LoadRun } from '../../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import { type Pop3Script, startScriptedPop3 } from '../../../../support/scripted-pop3.ts';

async function play(context: TestContext, script: Pop3Script, group: object, isSecure = false) {
  const { host, port, heard } = await startScriptedPop3(context, script, isSecure);
  const whole = {
    ...{ protocol: 'pop3', target: `${host}:${port}`, sessions: 1, patience: '100ms' },
    ...{ user: 'ann', password: 'hush' },
  };
  const plan = readScenario({ groups: [{ ...whole, ...group }] }, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const report = await new LoadRun(plan, adapters).run();
  return { operations: report.groups[0]!.operations, totals: totalsOf(report), heard };
}

const plainly: Pop3Script = () => undefined;
const logIn = ['USER ann', 'PASS hush'];

test('a visit fetches the newest messages, deletes none, and has a connection of its own', async (context) => {
  const { operations, totals, heard } = await play(context, plainly, { count: 2, retrieve: 2 });
  const visit = [...logIn, 'UIDL', 'LIST', 'RETR 3', 'RETR 2', 'QUIT'];
  assert.deepEqual(heard, [...visit, ...visit]);
  assert.deepEqual([totals.ok, totals.connections, totals.closings.done], [2, 2, 2]);
  assert.deepEqual(Object.keys(operations.session!.phases), ['connect', 'greeting', 'login']);
  assert.equal(operations.visit!.phases.retr!.count, 4);
});

test('what is fetched is deleted when that is asked for; there is no more than there is', async (context) => {
  const { heard } = await play(context, plainly, { count: 1, retrieve: 9, delete: true });
  const each = [3, 2, 1].flatMap((number) => [`RETR ${number}`, `DELE ${number}`]);
  assert.deepEqual(heard, [...logIn, 'UIDL', 'LIST', ...each, 'QUIT']);
});

test('several visits on one connection', async (context) => {
  const group = { count: 3, retrieve: 0, perConnection: 3, tls: 'implicit' };
  const { heard, operations, totals } = await play(context, plainly, group, true);
  assert.equal(operations.session!.phases.tls!.count, 1);
  assert.deepEqual([totals.ok, totals.connections], [3, 1]);
  assert.equal(heard.filter((command) => command === 'LIST').length, 3);
});

test('-ERR within a visit is a refusal, and its text is kept', async (context) => {
  const script: Pop3Script = (command) => (command === 'RETR 2' ? '-ERR gone\r\n' : undefined);
  const { totals } = await play(context, script, { count: 2 });
  assert.deepEqual([totals.ok, totals.refused], [0, 2]);
  assert.deepEqual(totals.replies, { '-ERR gone': 2 });
});

test('a visit under way when the connection dies is unknown', async (context) => {
  const script: Pop3Script = (command, socket) => {
    if (command === 'LIST') socket.destroy();
    return command === 'LIST' ? '' : undefined;
  };
  const { totals } = await play(context, script, { count: 1 });
  assert.deepEqual([totals.ok, totals.unknown], [0, 1]);
});

for (const [command, group] of [
  ['STLS', { tls: 'starttls' }],
  ['PASS hush', {}],
  ['QUIT', {}],
] as const) {
  test(`-ERR to ${command} ends the session, and the report says so`, async (context) => {
    const script: Pop3Script = (said) => (said === command ? '-ERR not so\r\n' : undefined);
    const { totals, heard } = await play(context, script, { ...group, duration: '200ms' });
    assert.ok(totals.closings['-ERR not so']! > 0, JSON.stringify(totals.closings));
    assert.equal(heard.includes('USER ann'), command !== 'STLS');
  });
}
