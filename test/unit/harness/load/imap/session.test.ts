/**
 * Aim: the IMAP load tells the truth about each command, whatever the server does.
 * Method: a server that follows a script, over loopback.
 */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../../src/adapters/node/random.ts';
import { totalsOf } from '../../../../../src/harness/measure/totals.ts';
import { LoadRun } from '../../../../../src/harness/run/load-run.ts';
import { readScenario } from '../../../../../src/harness/scenario/shape.ts';
import {
  type ImapScript,
  type ScriptedImap,
  startScriptedImap,
} from '../../../../support/scripted-imap.ts';

async function play(server: ScriptedImap, group: object) {
  const { host, port } = server.target;
  const whole = {
    ...{ protocol: 'imap', target: `${host}:${port}`, sessions: 1, patience: '100ms' },
    ...{ user: 'ann', password: 'a "b\\' },
  };
  const plan = readScenario({ groups: [{ ...whole, ...group }] }, { name: 'test', base: '.' });
  const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
  const report = await new LoadRun(plan, adapters).run();
  return { operations: report.groups[0]!.operations, totals: totalsOf(report) };
}

async function playScript(context: TestContext, script: ImapScript, group: object) {
  return await play(await startScriptedImap(context, script), group);
}

const noop = [{ command: 'NOOP' }];

test('each command is an operation, by its weight; opening a session is told in phases', async (context) => {
  const server = await startScriptedImap(context);
  const steps = [
    { weight: 3, command: 'FETCH {message} (BODY.PEEK[])' },
    { command: 'UID SEARCH UNSEEN' },
    { command: 'SELECT {mailbox}' },
  ];
  const { operations, totals } = await play(server, { count: 50, steps, mailbox: 'a b' });
  const { session, ...commands } = operations;
  const counts = Object.entries(commands).map(([name, { ok }]) => [name, ok]);
  assert.deepEqual(Object.fromEntries(counts), {
    'imap.fetch': 30,
    'imap.search': 10,
    'imap.select': 10,
  });
  assert.deepEqual(Object.keys(session!.phases), ['connect', 'greeting', 'login', 'select']);
  assert.deepEqual([totals.ok, totals.refused, totals.unknown], [50, 0, 0]);
  assert.equal(server.heard[0], 'LOGIN "ann" "a \\"b\\\\"');
  assert.equal(server.heard[1], 'SELECT "a b"');
  assert.equal(server.heard.at(-1), 'LOGOUT');
  const fetched = server.heard.filter((command) => command.startsWith('FETCH'));
  assert.deepEqual(
    [...new Set(fetched)].sort(),
    [1, 2, 3].map((n) => `FETCH ${n} (BODY.PEEK[])`),
  );
});

test('steps with times come in their order, round and round, each under its name', async (context) => {
  const server = await startScriptedImap(context);
  const steps = [
    { times: 2, name: 'first', command: 'UID SEARCH UNSEEN' },
    { times: 1, command: 'NOOP' },
  ];
  const { operations } = await play(server, { count: 5, steps });
  assert.deepEqual([operations.first!.ok, operations['imap.noop']!.ok], [4, 1]);
  assert.deepEqual(server.heard.slice(2, -1), [
    ...['UID SEARCH UNSEEN', 'UID SEARCH UNSEEN', 'NOOP'],
    ...['UID SEARCH UNSEEN', 'UID SEARCH UNSEEN'],
  ]);
});

test('sessions are dealt accounts in turn', async (context) => {
  const server = await startScriptedImap(context);
  await play(server, { sessions: 4, count: 4, user: 'u{1-3}@x', steps: noop });
  const users = server.heard.filter((command) => command.startsWith('LOGIN'));
  assert.deepEqual(users.map((command) => command.split(' ')[1]).sort(), [
    '"u1@x"',
    '"u1@x"',
    '"u2@x"',
    '"u3@x"',
  ]);
});

test('an IDLE is held, ended by DONE, and the time held is not its latency', async (context) => {
  const server = await startScriptedImap(context);
  const steps = [{ command: 'IDLE' }];
  const { operations, totals } = await play(server, { count: 3, steps, hold: '200ms' });
  const idle = operations['imap.idle']!;
  assert.deepEqual([idle.ok, idle.phases.taken!.count], [3, 3]);
  assert.ok(idle.latency.maxMs < 150, `${idle.latency.maxMs} ms`);
  assert.ok(totals.seconds >= 0.5, `${totals.seconds} s`);
  assert.deepEqual(server.heard.slice(2), [
    'IDLE',
    'DONE',
    'IDLE',
    'DONE',
    'IDLE',
    'DONE',
    'LOGOUT',
  ]);
});

test('what was expunged is not asked for', async (context) => {
  const script: ImapScript = (command, tag) =>
    command === 'NOOP' ? `* 1 EXPUNGE\r\n${tag} OK\r\n` : undefined;
  const server = await startScriptedImap(context, script);
  const steps = [{ command: 'NOOP' }, { command: 'FETCH {last:5} (FLAGS)' }];
  await play(server, { count: 4, steps });
  const fetched = server.heard.filter((command) => command.startsWith('FETCH'));
  // Whether it begins with NOOP is left to chance.
  assert.match(fetched.join(), /^FETCH 1:[32] \(FLAGS\),FETCH 1:[21] \(FLAGS\)$/);
});

for (const [what, answer] of [
  ['NO', 'NO [LIMIT] not now'],
  ['BAD', 'BAD what?'],
] as const) {
  test(`${what} is a refusal, and its text is kept`, async (context) => {
    const { totals } = await playScript(
      context,
      (command, tag) => (command === 'NOOP' ? `${tag} ${answer}\r\n` : undefined),
      { count: 2, steps: noop },
    );
    assert.deepEqual([totals.ok, totals.refused], [0, 2]);
    assert.deepEqual(totals.replies, { [answer]: 2 });
  });
}

/** What ends a session, and how it is told. */
const endings: readonly (readonly [string, ImapScript, string])[] = [
  [
    'a refused LOGIN',
    (c, tag) => (c.startsWith('LOGIN') ? `${tag} NO wrong\r\n` : undefined),
    'NO wrong',
  ],
  [
    'a refused SELECT',
    (c, tag) => (c.startsWith('SELECT') ? `${tag} NO none\r\n` : undefined),
    'NO none',
  ],
  [
    'an empty mailbox',
    (c, tag) => (c.startsWith('SELECT') ? `* 0 EXISTS\r\n${tag} OK\r\n` : undefined),
    'the mailbox is empty',
  ],
  [
    'an answer to another tag',
    (c) => (c.startsWith('FETCH') ? 'b OK x\r\n' : undefined),
    'no answer to a3: b OK x',
  ],
  [
    'a demand for more',
    (c) => (c.startsWith('FETCH') ? '+ more\r\n' : undefined),
    'the server waits for more of a command that is whole',
  ],
  [
    'BYE',
    (c, _, socket) => {
      if (!c.startsWith('FETCH')) return undefined;
      socket.end('* BYE maintenance\r\n');
      return '';
    },
    'BYE maintenance',
  ],
];

for (const [what, script, detail] of endings) {
  test(`${what} ends the session, and the report says so`, async (context) => {
    const steps = [{ command: 'FETCH {message} (FLAGS)' }];
    const { totals } = await playScript(context, script, { duration: '250ms', steps });
    assert.equal(totals.ok, 0);
    assert.ok(totals.closings[detail]! > 0, JSON.stringify(totals.closings));
  });
}

test('a command under way when the connection dies is unknown, one never sent is unsent', async (context) => {
  const dying: ImapScript = (command, _, socket) => {
    if (command === 'NOOP') socket.destroy();
    return command === 'NOOP' ? '' : undefined;
  };
  const died = await playScript(context, dying, { count: 1, steps: noop });
  assert.deepEqual([died.totals.ok, died.totals.unknown], [0, 1]);
  const empty: ImapScript = (command, tag) =>
    command.startsWith('SELECT') ? `* 0 EXISTS\r\n${tag} OK\r\n` : undefined;
  const steps = [{ command: 'FETCH {newest} (FLAGS)' }];
  const unsent = await playScript(context, empty, { count: 1, steps });
  assert.deepEqual([unsent.totals.unknown, unsent.totals.unsent], [0, 1]);
});

test('TLS from the first octet', async (context) => {
  const server = await startScriptedImap(context, undefined, { isSecure: true });
  const { operations, totals } = await play(server, { count: 2, steps: noop, tls: 'implicit' });
  assert.equal(totals.ok, 2);
  assert.equal(operations.session!.phases.tls!.count, 1);
});

test('a server that refuses STARTTLS is not shown the password', async (context) => {
  const server = await startScriptedImap(context, (command, tag) =>
    command === 'STARTTLS' ? `${tag} BAD no TLS\r\n` : undefined,
  );
  const { totals } = await play(server, { duration: '150ms', steps: noop, tls: 'starttls' });
  assert.ok(totals.closings['BAD no TLS']! > 0);
  assert.deepEqual([...new Set(server.heard)], ['STARTTLS']);
});

test('who is greeted as known does not log in', async (context) => {
  const server = await startScriptedImap(context, undefined, { greeting: '* PREAUTH hello\r\n' });
  const { totals } = await play(server, { count: 1, steps: noop });
  assert.equal(totals.ok, 1);
  assert.deepEqual(server.heard, ['SELECT "INBOX"', 'NOOP', 'LOGOUT']);
});
