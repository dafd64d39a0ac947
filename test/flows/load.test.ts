/**
 * Aim: `chaski load` as people run it: a load by options, a password from standard input, a scenario, reports added
 *      up, mistakes told.
 * Method: the command as a child process, against a sink.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from '../../src/harness/child.ts';
import { parseReport } from '../../src/harness/measure/run-report.ts';
import { totalsOf } from '../../src/harness/measure/totals.ts';
import { startSink } from '../support/harness-sink.ts';
import { startHttp } from '../support/http-load.ts';
import { deliverByLmtp } from '../support/lmtp-delivery.ts';
import { startTestServer } from '../support/test-server.ts';

const launcher = fileURLToPath(new URL('../../src/cli/chaski', import.meta.url));

async function chaski(...args: readonly string[]) {
  const child = new Child({ command: launcher, args });
  const { code } = await child.ended;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

const folder = mkdtempSync(join(tmpdir(), 'chaski-load-flow-'));
test.after(() => rmSync(folder, { recursive: true }));

test('two loads are reported, and their reports added up', async (context) => {
  const { sink, target } = await startSink(context);
  const files: string[] = [];
  for (const threads of ['1', '2']) {
    const how = ['--sessions', '2', '--count', '60', '--pipeline', '--threads', threads];
    const { code, stdout, stderr } = await chaski(
      'load',
      'smtp',
      '--target',
      target,
      ...how,
      '--json',
    );
    assert.equal(code, 0, stderr);
    const file = join(folder, `${threads}.json`);
    writeFileSync(file, stdout);
    files.push(file);
    assert.equal(totalsOf(parseReport(stdout, file)).ok, 60);
  }
  assert.equal(sink.counts.messages, 120);
  const merged = await chaski('load', 'merge', ...files, '--json');
  const all = totalsOf(parseReport(merged.stdout, 'merged'));
  assert.deepEqual([all.ok, all.latency.count, all.connections], [120, 120, 4]);
  const shown = await chaski('load', 'merge', ...files);
  assert.match(shown.stdout, /^120 messages in .*\n.*120 acknowledged[\s\S]*acknowledgement/);
});

test('the password is the first line of standard input', async (context) => {
  const { target } = await startSink(context);
  const line = `printf 'secret\\nmore\\n' | "$0" load smtp --target "$1" --sessions 1 --count 3 --json`;
  const args = ['-c', `${line} --user ann --password-stdin --auth login`, launcher, target];
  const child = new Child({ command: 'sh', args });
  assert.equal((await child.ended).code, 0, child.stderr);
  const { operations } = parseReport(child.stdout, 'load').groups[0]!;
  assert.equal(operations.session!.phases.auth!.count, 1);
});

test('a scenario ends with 1 when a threshold is missed, and says which', async (context) => {
  const { target } = await startSink(context);
  const file = join(folder, 'a.yaml');
  const group = '{ protocol: smtp, sessions: 2, count: 20 }';
  writeFileSync(
    file,
    `target: ${target}\ngroups: [${group}]\nthresholds: [ok > 30, refused = 0]\n`,
  );
  const { code, stdout } = await chaski('load', 'run', file);
  assert.equal(code, 1);
  assert.match(stdout, /MISSED ok > 30 \(20\)\nmet {4}refused = 0 \(0\)/);
});

test('a server is watched while a load of several threads runs', async (context) => {
  const { target } = await startSink(context);
  const burn = 'console.log("ready"); setInterval(() => { for (let i = 0; i < 1e7; i++); }, 50);';
  const server = new Child({ command: process.execPath, args: ['-e', burn] });
  context.after(() => server.stop('SIGKILL'));
  await server.until(/ready/, 5_000);
  const how = ['--rate', '20', '--duration', '1.2', '--threads', '2', '--json'];
  const given = ['load', 'smtp', '--target', target, ...how, '--watch'];
  const { code, stdout, stderr } = await chaski(...given, `${server.pid}`);
  assert.equal(code, 0, stderr);
  const [first, second] = parseReport(stdout, 'load').series;
  assert.ok(second!.server!.cpuSeconds! >= first!.server!.cpuSeconds!);
  assert.ok(first!.server!.rssBytes! > 10_000_000);
  await server.stop('SIGKILL');
  const gone = await chaski(...given, `${server.pid}`);
  assert.match(gone.stderr, /no process to watch: \d+ does not run/);
  assert.equal(gone.code, 2);
});

test('a mistake is told with the option, or the line, and ends with 2', async () => {
  const file = join(folder, 'b.yaml');
  writeFileSync(file, 'target: h:1\ngroups:\n  - protocol: smtp\n    rat: 5\n');
  for (const [args, words] of [
    [['smtp', '--target', 'h:1', '--rate', 'x', '--count', '1'], /--rate is "x"; write a rate/],
    [['smtp', '--target', 'h:1', '--count', '1'], /has no load: write "sessions"/],
    [['ftp', '--target', 'h:1'], /--protocol is "ftp"; write one of smtp/],
    [['run', file], /b\.yaml, line 4: groups\[0\]\.rat is not a key here/],
    [['run', '/nowhere.yaml'], /nowhere/],
    [['run', file, '--watch', 'a b'], /b\.yaml, line 4/],
    [
      ['smtp', '--target', 'h:1', '--sessions', '1', '--watch', 'a b'],
      /--watch is "a b"; write a PID/,
    ],
    [['smtp', '--target', 'h:1', '--sessions', '1', '--metric', 'a'], /belong together/],
    [['merge', file], /b\.yaml is not JSON/],
    [['smtp', '--nonsense'], /--nonsense/],
    [[], /which protocol/],
  ] as const) {
    const { code, stderr } = await chaski('load', ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, words);
  }
});

test('a line says where a scenario is played, how much of it and from which seed', async (context) => {
  const { sink, target } = await startSink(context);
  const file = join(folder, 'd.yaml');
  writeFileSync(file, 'target: h:1\ngroups: [{ protocol: smtp, sessions: 2, count: 900 }]\n');
  const over = ['--target', target, '--count', '7', '--duration', '30', '--seed', '5'];
  const { code, stdout, stderr } = await chaski('load', 'run', file, ...over, '--json');
  assert.equal(code, 0, stderr);
  const report = parseReport(stdout, 'load');
  assert.deepEqual([report.target, report.seed, totalsOf(report).ok], [target, 5, 7]);
  assert.equal(sink.counts.messages, 7);
});

test('servers are compared by arrivals that leave the process nothing to do between them', async (context) => {
  const { target } = await startSink(context);
  const against = ['--against', `a=${target}`, '--against', `b=${target}`];
  const how = ['--rate', '10', '--count', '3', '--rounds', '1', '--per-connection', '1'];
  const { code, stdout, stderr } = await chaski('load', 'compare', 'smtp', ...against, ...how);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /times the first[\s\S]*\nb /);
});

test('an option that would do nothing is refused, and so is a comparison without an end', async () => {
  const file = join(folder, 'c.yaml');
  writeFileSync(file, 'target: h:1\ngroups: [{ protocol: smtp, sessions: 1, count: 1 }]\n');
  const two = ['--against', 'a=h:1', '--against', 'b=h:1'];
  for (const [args, words] of [
    [['run', file, '--rate', '5'], /--rate: say that in the scenario/],
    [['run', file, '--seed', 'x'], /--seed is "x"; write a whole number/],
    [['compare', file, ...two, '--ledger', 'l'], /--ledger: say that in the scenario/],
    [['smtp', '--target', 'h:1', '--rounds', '2'], /--rounds is for "chaski load compare"/],
    [['search', file, '--report', 'a.html'], /--report is of one run/],
    [['smtp', '--report', '/nowhere/a.html'], /--report \/nowhere\/a\.html: ENOENT/],
    [['smtp', 'h:1', '--sessions', '1'], /"h:1" is one word too many/],
    [['smtp', '--size', '1kB', '--mime', 'receipt'], /--size and --mime: write one of them/],
    [['compare', 'smtp', ...two, '--sessions', '1'], /compare wants a load that ends/],
  ] as const) {
    const { code, stderr } = await chaski('load', ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, words);
  }
});

test('users of our own server read their mail, each command an operation of its own', async () => {
  const address = 'ann@here.test';
  const password = 'correct horse';
  await using server = await startTestServer({ 'listen.imaps': '127.0.0.1:0' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password });
  for (const subject of ['one', 'two', 'three']) {
    await deliverByLmtp(server.ports.lmtp!, address, `Subject: ${subject}\r\n\r\nText.`);
  }
  const users = ['sync', 'search', 'triage', 'idle'].map((profile) => `{ profile: ${profile} }`);
  const group = [
    'protocol: imap, sessions: 4, count: 120, tls: implicit, hold: 50ms',
    `user: ${address}, password: ${password}, users: [${users.join(', ')}]`,
  ];
  const file = join(folder, 'imap.yaml');
  const target = `127.0.0.1:${server.ports.imaps}`;
  writeFileSync(file, `target: ${target}\ngroups: [{ ${group.join(', ')} }]\n`);
  const { code, stdout, stderr } = await chaski('load', 'run', file, '--json');
  assert.equal(code, 0, stdout + stderr);
  const { operations } = parseReport(stdout, 'imap').groups[0]!;
  for (const name of ['noop', 'list', 'select', 'fetch', 'search', 'store', 'idle']) {
    assert.ok(operations[`imap.${name}`]!.ok > 0, name);
  }
  assert.equal(operations.session!.phases.login!.count, 4);
});

test('programs fetch their mail from our own server by POP3', async () => {
  const address = 'ann@here.test';
  await using server = await startTestServer({ 'listen.pop3': '127.0.0.1:0' });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password: 'correct horse' });
  for (const text of ['.one', 'two\r\n..', '']) {
    await deliverByLmtp(server.ports.lmtp!, address, `Subject: x\r\n\r\n${text}`);
  }
  const target = `127.0.0.1:${server.ports.pop3}`;
  const how = `--sessions 2 --count 10 --retrieve 2 --tls starttls --user ${address}`;
  const line = `printf 'correct horse\\n' | "$0" load pop3 --target "$1" --json --password-stdin ${how}`;
  const child = new Child({ command: 'sh', args: ['-c', line, launcher, target] });
  assert.equal((await child.ended).code, 0, child.stdout + child.stderr);
  const { operations, connections } = parseReport(child.stdout, 'pop3').groups[0]!;
  assert.deepEqual([operations.visit!.ok, operations.visit!.phases.retr!.count], [10, 20]);
  // One more may have opened when the last visit was given away.
  assert.ok(connections === 10 || connections === 11, `${connections} connections`);
});

/** A JMAP server as far as a load can tell. */
async function startJmap(context: TestContext) {
  const heard = new Map<string, number>();
  const target = await startHttp(context, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { authorization, accept, 'content-type': type } = request.headers;
    const methods = body === '' ? [] : JSON.parse(body).methodCalls.map(([name]: [string]) => name);
    const what = `${request.method} ${request.url} ${type} ${accept} ${authorization} ${methods}`;
    heard.set(what, (heard.get(what) ?? 0) + 1);
    response.setHeader('content-type', 'application/json').end('{"methodResponses":[]}');
  });
  return { target, heard };
}

test('a scenario of JMAP clients plays against a web server, each method call its own operation', async (context) => {
  const { target, heard } = await startJmap(context);
  const shipped = readFileSync('config/scenarios/jmap.yaml', 'utf8');
  const file = join(folder, 'jmap.yaml');
  // The same for two seconds.
  const short = shipped.replace('127.0.0.1:8080', target).replaceAll(/for: \d+s/g, 'for: 1s');
  writeFileSync(file, short);
  const page = join(folder, 'jmap.html');
  const { code, stdout, stderr } = await chaski('load', 'run', file, '--report', page);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^sent by undici$/m);
  assert.match(stdout, /^ {2}Email\/query .*\n {2}wait .*\n {2}head /m);
  assert.match(readFileSync(page, 'utf8'), /sent by[\s\S]*undici[\s\S]*Email\/query/);
  const basic = `Basic ${Buffer.from('ann@example.com:secret').toString('base64')}`;
  const query = `POST /jmap/api application/json application/json ${basic} Email/query,Email/get`;
  assert.ok((heard.get(query) ?? 0) > 30, [...heard.keys()].join('\n'));
  assert.equal(heard.size, 3);
});

test('one JMAP request after the other by options: a body from a file, a token from standard input', async (context) => {
  const { target, heard } = await startJmap(context);
  const body = join(folder, 'query.json');
  writeFileSync(body, '{"using":[],"methodCalls":[["Email/query",{},"0"]]}');
  const how = '--sessions 3 --count 60 --path /jmap --token-stdin --header "Accept: */*" --json';
  const line = `printf 'abc\\n' | "$0" load http --target "$1" --body "$2" ${how}`;
  const child = new Child({ command: 'sh', args: ['-c', line, launcher, target, body] });
  assert.equal((await child.ended).code, 0, child.stdout + child.stderr);
  assert.deepEqual([...heard], [['POST /jmap application/json */* Bearer abc Email/query', 60]]);
  const [group] = parseReport(child.stdout, 'http').groups;
  assert.deepEqual([group!.client, group!.operations['POST /jmap']!.ok], ['autocannon', 60]);
  for (const [args, words] of [
    [['--body', '/nowhere.json'], /--body cannot be read/],
    [['--header', 'Host'], /--header is no header field/],
    [['--client', 'autocannon', '--verify'], /--client cannot be autocannon: it looks at no/],
    [['--password-stdin', '--token-stdin'], /standard input has one first line/],
  ] as const) {
    const load = ['http', '--target', target, '--sessions', '1', '--count', '1', ...args];
    const { code, stderr } = await chaski('load', ...load);
    assert.deepEqual([code, words.test(stderr)], [2, true], stderr);
  }
});

test('our own server answers requests at a constant rate', async () => {
  await using server = await startTestServer({ 'listen.http': '127.0.0.1:0' });
  const target = `127.0.0.1:${server.ports.http}`;
  const load = ['--rate', '50', '--arrival', 'constant', '--duration', '2', '--path', '/healthz'];
  const { code, stdout, stderr } = await chaski('load', 'http', '--target', target, ...load);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^(9\d|10\d) operations in .*[\s\S]*^sent by autocannon\n {2}connect/m);
});
