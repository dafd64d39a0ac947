/**
 * Aim: a scenario asks for what it says; a mistake is told with file, line, key and what to do.
 * Method: files written out; the examples that ship, read and played for a moment.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../../../src/adapters/node/random.ts';
import { parseHostPort } from '../../../../src/harness/addresses.ts';
import { totalsOf } from '../../../../src/harness/measure/totals.ts';
import { LoadRun } from '../../../../src/harness/run/load-run.ts';
import type { GroupPlan } from '../../../../src/harness/run/run-plan.ts';
import { loadScenario } from '../../../../src/harness/scenario/read.ts';
import { testCertificate } from '../../../support/certificate.ts';
import { startSink } from '../../../support/harness-sink.ts';
import { startScriptedImap } from '../../../support/scripted-imap.ts';
import { startScriptedPop3 } from '../../../support/scripted-pop3.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaski-scenario-'));
test.after(() => rmSync(folder, { recursive: true }));

function load(text: string, name = 'a.yaml') {
  const path = join(folder, name);
  writeFileSync(path, text);
  return loadScenario(path);
}

const head = 'target: 127.0.0.1:25\nduration: 5s\ngroups:\n';

test('what is left out has a value, and a group takes over target and duration', async () => {
  const plan = await load(`${head}  - { protocol: smtp, sessions: 3 }\n`);
  assert.deepEqual([plan.scenario, plan.seed, plan.threads], ['a', 1, 1]);
  const [group] = plan.groups;
  assert.deepEqual(group!.target, { host: '127.0.0.1', port: 25 });
  assert.deepEqual([group!.name, group!.durationMs, group!.sessionsMax], ['smtp', 5_000, 3]);
  assert.ok(group!.protocol === 'smtp');
  assert.deepEqual(group!.options.messages, [{ kind: 'sized', weight: 1, bytes: 1_024 }]);
});

test('files are looked for beside the scenario', async () => {
  writeFileSync(join(folder, 'to.txt'), 'a@x\nb{1-2}@x\n');
  writeFileSync(join(folder, 'trace.csv'), '5\n5.5\n');
  writeFileSync(join(folder, 'word'), 'hush\n');
  const senders = 'senders: [{ from: a@x, user: u, passwordFile: word }]';
  const plan = await load(
    `${head}  - { protocol: lmtp, trace: trace.csv, to: to.txt, ${senders}, messages: [{ mbox: m }] }`,
  );
  const [group] = plan.groups;
  assert.ok(group!.protocol === 'lmtp');
  const { options, arrivals } = group!;
  assert.deepEqual(options.destinations, [{ weight: 1, addresses: ['a@x', 'b1@x', 'b2@x'] }]);
  assert.deepEqual(arrivals, { kind: 'trace', atMs: [0, 500] });
  assert.deepEqual(options.tenants[0]!.credentials, { user: 'u', password: 'hush' });
  assert.deepEqual(options.messages, [{ kind: 'mbox', weight: 1, path: join(folder, 'm') }]);
  assert.equal(options.lmtp, true);
});

test('an HTTP group says who asks and what: its own, or from files beside the scenario', async () => {
  writeFileSync(join(folder, 'query.json'), '{"methodCalls":[]}');
  writeFileSync(join(folder, 'bearer'), 'abc\r\nmore\n');
  const asked = 'path: /jmap, bodyFile: query.json, tokenFile: bearer, headers: ["X-A:  b c "]';
  const plan = await load(`${head}  - { protocol: http, sessions: 1, ${asked} }\n`);
  const [group] = plan.groups;
  assert.ok(group!.protocol === 'http');
  assert.equal(group!.options.token, 'abc');
  const headers = { 'content-type': 'application/json', 'x-a': 'b c' };
  const request = { weight: 1, method: 'POST', path: '/jmap', headers, body: '{"methodCalls":[]}' };
  assert.deepEqual(group!.options.requests, [request]);
});

const httpHead = `${head}  - { protocol: http, sessions: 1`;
const imapHead = `${head}  - { protocol: imap, sessions: 1, user: u`;

/** Each with the line and the words of its fault. */
const mistakes: readonly (readonly [string, RegExp])[] = [
  ['groups: []', /a\.yaml, line 1: groups is \[\]; write a list/],
  ['name: x\n', /line 1: the scenario lacks "groups": write a list/],
  [
    `${head}  - { protocol: smpt, sessions: 1 }`,
    /line 4: groups\[0\]\.protocol .*one of smtp, lmtp/,
  ],
  [`${head}  - protocol: smtp\n    sesions: 1\n`, /line 5: groups\[0\]\.sesions is not a key here/],
  [
    `${head}  - protocol: smtp\n    rate: many\n`,
    /line 5: groups\[0\]\.rate is "many"; write a rate/,
  ],
  [`${head}  - protocol: smtp\n`, /line 4: groups\[0\] has no load: write "sessions"/],
  [`${head}  - { protocol: smtp, rate: 1, trace: t }`, /has rate and trace; write one/],
  ['groups:\n  - { protocol: smtp, sessions: 1 }', /groups\[0\] lacks "target"/],
  ['target: a:1\ngroups:\n  - { protocol: smtp, rate: 1 }', /never ends: write "duration"/],
  [
    `${head}  - { protocol: smtp, sessions: 1, target: x }`,
    /target is not usable: "x" is not HOST:PORT/,
  ],
  [
    `${head}  - { protocol: smtp, sessions: 1, to: nobody }`,
    /to is "nobody": neither an address nor/,
  ],
  [`${head}  - { protocol: smtp, sessions: 1, size: big }`, /size is "big"; write a size as 10kB/],
  [`${head}  - { protocol: smtp, sessions: 1, user: u }`, /has a user but no password/],
  [`${head}  - { protocol: smtp, sessions: 1, trace: gone, rate: 1 }`, /write one of them/],
  [`${head}  - { protocol: smtp, trace: gone }`, /trace is not usable: ENOENT/],
  [
    `${head}  - { protocol: smtp, sessions: 1, messages: [{ weight: 1 }] }`,
    /messages\[0\] has none/,
  ],
  [
    `${head}  - { protocol: smtp, stages: [{ for: 1s, from: 1 }] }`,
    /stages\[0\] is neither a step nor/,
  ],
  [
    `${head}  - { protocol: smtp, sessions: 1 }\n  - { protocol: smtp, sessions: 1 }`,
    /line 5: .*second group/,
  ],
  [
    `${head}  - { protocol: smtp, sessions: 1 }\nthresholds: [p98 < 1]`,
    /line 5: thresholds\[0\] is not usable/,
  ],
  ['groups: [', /a\.yaml, line 1: /],
  [
    `${head}  - { protocol: smtp, sessions: 1, size: 1kB, messages: [{ size: 2kB }] }`,
    /size stands/,
  ],
  [`${head}  - { protocol: smtp, sessions: 1, to: a@x, destinations: [{ to: b@x }] }`, /to stands/],
  [`${head}  - { protocol: smtp, sessions: 1, user: u, senders: [{ from: a@x }] }`, /user stands/],
  [
    `${head}  - { protocol: smtp, sessions: 1, recipients: 3 }`,
    /recipients is 3, but there are only 1/,
  ],
  [
    `${head}  - { protocol: smtp, name: a, sessions: 1 }\nthresholds: ["b: p99 < 1s"]`,
    /line 5: thresholds\[0\] is of "b"; groups are a/,
  ],
  [
    `${httpHead}, headers: ["a b: c"] }`,
    /headers\[0\] is no header field; write a header field as/,
  ],
  [
    `${httpHead}, headers: ["Content-Length: 3"] }`,
    /is Content-Length, which the client sets itself/,
  ],
  [`${httpHead}, method: GET, body: a }`, /method is GET, which sends no body; write POST/],
  [`${httpHead}, user: u, password: p, token: t }`, /has a user and a token; write one/],
  [`${httpHead}, token: "a b" }`, /token is no bearer token: it has blanks/],
  [`${httpHead}, user: "a:b", password: p }`, /user has a colon/],
  [`${httpHead}, path: /a, requests: [{ path: /b }] }`, /path stands beside "requests"/],
  [
    `${httpHead}, client: autocannon, verify: true }`,
    /client cannot be autocannon: it looks at no/,
  ],
  [`${httpHead}, requests: [{ name: session }] }`, /name is what opening connections is called/],
  [`${httpHead}, path: status }`, /path is no path: write it from/],
  [`${httpHead}, type: "a\\nb" }`, /type is no media type/],
  [`${httpHead}, user: u }`, /has one of user and password/],
  [`${httpHead}, requests: [{ body: a, bodyFile: b }] }`, /requests\[0\] has body and bodyFile/],
  [`${head}  - { protocol: imap, sessions: 1 }`, /groups\[0\] lacks "user": write a user name/],
  [`${imapHead} }`, /has a user but no password/],
  [`${imapHead}, password: "a\\nb" }`, /has a line end in its user or password/],
  [`${imapHead}, password: p, hold: 30m }`, /hold is over 29m/],
  [`${imapHead}, password: p, mailbox: é }`, /mailbox is not ASCII/],
  [`${imapHead}, password: p, steps: [{ command: LOGOUT }] }`, /command .*LOGOUT cannot be a step/],
  [
    `${imapHead}, password: p, steps: [{ command: "FETCH {5} x" }] }`,
    /steps\[0\]\.command is not usable: "\{5\}" is no place/,
  ],
  [
    `${imapHead}, password: p, steps: [{ times: 2, command: NOOP }, { command: NOOP }] }`,
    /steps\[1\] lacks "times", which other steps have/,
  ],
  [
    `${imapHead}, password: p, steps: [{ times: 2, weight: 1, command: NOOP }] }`,
    /steps\[0\] has a weight where steps have times/,
  ],
  [
    `${imapHead}, password: p, steps: [{ name: ${'x'.repeat(61)}, command: NOOP }] }`,
    /steps\[0\]\.name is no name: write 60 ASCII/,
  ],
  [
    `${imapHead}, password: p, profile: sync, steps: [{ command: NOOP }] }`,
    /has profile and steps; write one/,
  ],
];

test('a mistake is told with its line, its key and what to do', async () => {
  for (const [text, words] of mistakes) await assert.rejects(load(text), words, text);
});

test('a module is a scenario too; its mistakes have a key but no line', async () => {
  const group = "{ protocol: 'smtp', sessions: 1, target: 'h:1', count: 2 }";
  const plan = await load(`export default { groups: [${group}] };`, 'b.ts');
  assert.equal(plan.groups[0]!.countMax, 2);
  await assert.rejects(load('export default { groups: 3 };', 'c.ts'), /c\.ts: groups is 3; write/);
});

/** Takes what submission asks for. */
async function startSubmission(context: TestContext): Promise<string> {
  const server = new SMTPServer({
    ...testCertificate(),
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? '' }),
    onData: (stream, _session, done) => stream.resume().once('end', () => done()),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return `127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

async function startHttp(context: TestContext) {
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function startServer(context: TestContext, { protocol, options }: GroupPlan) {
  const isSecure = options.tls !== 'none';
  if (protocol === 'imap') {
    return (await startScriptedImap(context, undefined, { isSecure })).target;
  }
  if (protocol === 'http') return await startHttp(context);
  if (protocol === 'pop3') return await startScriptedPop3(context, undefined, isSecure);
  if (isSecure) return parseHostPort(await startSubmission(context));
  return parseHostPort((await startSink(context, protocol === 'lmtp')).target);
}

/** Examples, and what benches and crash runs play; each for so long. */
const shipped = { 'config/scenarios': 1_000, 'bench/scenarios': 300, 'test/crash/scenarios': 300 };
const files = Object.entries(shipped).flatMap(([from, durationMs]) =>
  readdirSync(from)
    .filter((name) => /\.(yaml|ts)$/.test(name))
    .map((name) => ({ path: join(from, name), durationMs })),
);
const sessionsMax = 10;
for (const { path, durationMs } of files) {
  test(`${path} runs`, async (context) => {
    const plan = await loadScenario(path);
    const target = await startServer(context, plan.groups[0]!);
    const short = { target, durationMs, patienceMs: 500 };
    // Opening a session under TLS takes this process milliseconds, on both sides.
    const groups = plan.groups.map((group) => ({
      ...group,
      ...short,
      sessionsMax: Math.min(group.sessionsMax, sessionsMax),
    }));
    const adapters = { clock: nodeClock, random: nodeRandom, epochMs: 0 };
    const report = await new LoadRun({ ...plan, groups }, adapters).run();
    const { ok, refused, unknown, unsent, unstarted } = totalsOf(report);
    assert.ok(ok > 0, `${ok} ok`);
    assert.deepEqual([refused, unknown, unsent, unstarted], [0, 0, 0, 0]);
  });
}

test('a password is not shown in the sentence about it, or about what is around it', async () => {
  for (const group of [
    '{ protocol: smtp, sessions: 1, user: u, password: 4711 }',
    '{ protocol: smtp, sessions: 1, senders: { from: a, password: "4711" } }',
    '{ protocol: smtp, sessions: 1, user: u, password: "4711',
    '{ protocol: http, sessions: 1, token: 4711 }',
    '{ protocol: http, sessions: 1, headers: "Authorization: 4711" }',
    '{ protocol: http, sessions: 1, headers: ["Authorization 4711"] }',
    '{ protocol: http, sessions: 1, requests: { headers: ["Authorization: 4711"] } }',
  ]) {
    await assert.rejects(load(`${head}  - ${group}\n`), (error: Error) => {
      assert.match(error.message, /line \d/);
      assert.ok(!error.message.includes('4711'), error.message);
      return true;
    });
  }
});
