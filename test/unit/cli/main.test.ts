/** Aim: what goes wrong has its exit code and words. Method: command lines in this process. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MailError } from '../../../src/base/errors.ts';
import { runCli } from './run-cli.ts';

test('no command, and a group without action, print help on standard error and exit 2', async () => {
  for (const line of [[], ['queue']]) {
    const { code, out, error } = await runCli(line);
    assert.deepEqual([code, out], [2, '']);
    assert.match(error, /^Usage: chaski /);
  }
});

test('an unknown command or action exits 2 with the nearest one', async () => {
  assert.match((await runCli(['quue', 'list'])).error, /did you mean chaski queue\?/);
  assert.match((await runCli(['queue', 'lst'])).error, /did you mean chaski queue list\?/);
  assert.match((await runCli(['constructor'])).error, /there is no command "constructor"/);
  assert.equal((await runCli(['quue'])).code, 2);
});

test('an unknown option, a missing argument, one too many, and a bad number exit 2', async () => {
  for (const line of [
    ['queue', 'list', '--colour'],
    ['queue', 'show'],
    ['queue', 'show', 'a', 'b'],
    ['queue', 'list', '--limit', '0'],
    ['queue', 'list', '--limit', 'ten'],
    ['queue', 'list', '--state', 'lost'],
    ['queue', 'list', '--limit'],
  ]) {
    const { code, out, error } = await runCli(line, { handlers: {} });
    assert.deepEqual([code, out], [2, ''], line.join(' '));
    assert.match(error, /^chaski: /);
  }
});

test('wrong settings exit 78 with every fault, before anything is done', async () => {
  const { code, error } = await runCli(['queue', 'flush', '--set', 'shards=x'], {
    environment: { CHASKI_LOG__LEVEL: 'loud' },
    handlers: { 'queue.flush': () => assert.fail('it was called') },
  });
  assert.equal(code, 78);
  assert.match(error, /2 settings are wrong/);
  assert.match(error, /shards \(--set\)/);
  assert.match(error, /log\.level \(CHASKI_LOG__LEVEL\)/);
});

test('without a server the exit code is 69 and the words say how to start one', async () => {
  const { code, error } = await runCli(['queue', 'flush']);
  assert.equal(code, 69);
  assert.match(error, /chaski serve/);
  assert.equal((await runCli(['queue', 'flush'], { handlers: {} })).code, 69);
});

test('without a data folder nothing is made of it', async () => {
  const environment = { CHASKI_DATA: '/nowhere/chaski' };
  const { code, error } = await runCli(['domain', 'list'], { handlers: {}, environment });
  assert.equal(code, 69);
  assert.match(error, /chaski init/);
});

test('a refusal by the server exits 1 with its detail, or as JSON with its code', async () => {
  const handlers = {
    'domain.show': () => {
      throw new MailError('not-found', 'there is no domain a.example');
    },
  };
  const line = ['domain', 'show', 'a.example'];
  const plain = await runCli(line, { handlers });
  assert.deepEqual([plain.code, plain.error], [1, 'chaski: there is no domain a.example\n']);
  const json = await runCli([...line, '--json'], { handlers });
  assert.deepEqual([json.code, json.out], [1, '']);
  const expected = { error: { code: 'not-found', detail: 'there is no domain a.example' } };
  assert.deepEqual(JSON.parse(json.error), expected);
});

test('shared options may stand before the command', async () => {
  const { code, error } = await runCli(['-c', '/nowhere.toml', '--json', 'queue', 'flush']);
  assert.equal(code, 78);
  assert.match(JSON.parse(error).error.detail, /nowhere\.toml/);
});

test('--set, -c and the environment reach the command', async () => {
  const seen: string[] = [];
  const { code } = await runCli(
    ['check', '--no-dns', '--json', '--set', 'listen.smtp=', '--set', 'hostname=a.example'],
    {
      environment: { CHASKI_LISTEN__LMTP: '' },
    },
  ).then((run) => {
    seen.push(run.out);
    return run;
  });
  assert.equal(code, 0);
  assert.match(seen[0] ?? '', /hostname a\.example, data .*, SMTP off/);
  assert.doesNotMatch(seen[0] ?? '', /listen\.(smtp|lmtp)/);
});
