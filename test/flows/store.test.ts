/**
 * Aim: operators' care for the store loses nothing and tells what is damaged: verify, rebuild and compact, on the
 *      running server and on its stopped store.
 * Method: the real server takes mail for accounts on several shards and for a next hop that is not there; what its
 *      accounts and its queue show must stay the same, whatever is done to its indexes.
 */

import assert from 'node:assert/strict';
import { closeSync, globSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type {
  ControlHandlers,
  ControlMethod,
  ControlParams,
  ControlResult,
  StoreFinding,
} from '../../src/actors/asks/control.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { openOffline } from '../../src/app/offline.ts';
import { concat, emptyBytes, latin1 } from '../../src/base/bytes.ts';
import type { Settings } from '../../src/settings/schema.ts';
import {
  callOn,
  eventually,
  type SettingsGiven,
  startTestServer,
  type TestServer,
} from '../support/test-server.ts';
import { runCli } from '../unit/cli/run-cli.ts';

const names = ['ann', 'ben', 'cid', 'dee', 'eve', 'fay'];
const locals = names.map((name) => `${name}@here.test`);

/** Nobody listens there: what is for others stays in the queue. */
const deadHop: SettingsGiven = {
  'relay.route': 'smtp://127.0.0.1:1',
  'relay.retryMsMin': '1h',
  'relay.retryMsMax': '2h',
};

async function startStore(overrides: SettingsGiven = {}): Promise<TestServer> {
  const test = await startTestServer({ ...deadHop, ...overrides });
  await test.call('domain.create', { name: 'here.test' });
  for (const address of locals) await test.call('account.create', { address });
  return test;
}

function restart(test: TestServer, overrides: SettingsGiven = {}): Promise<TestServer> {
  return startTestServer({ ...deadHop, ...overrides }, { folder: test.folder });
}

/** Hands a message in as the server's own machine does; answers its id. */
async function send(
  test: TestServer,
  recipients: readonly string[],
  subject: string,
  bytes = 100,
): Promise<string> {
  const head = `From: x@far.test\r\nTo: all@here.test\r\nSubject: ${subject}\r\n\r\n`;
  const body = concat([
    latin1(head),
    latin1('0123456789abcdef'.repeat(bytes / 16)),
    latin1('\r\n'),
  ]);
  const handler = test.server.handlers['message.send']!;
  const { signal } = new AbortController();
  const params = { sender: 'x@far.test', recipients };
  const { id } = await handler(params, { by: askedHere, body, signal, emit: async () => {} });
  return id;
}

interface Sent {
  readonly local: string;
  readonly remote: string;
}

async function sendSome(test: TestServer): Promise<Sent> {
  let local = '';
  // Twice: what is damaged in a journal's last parcel could as well be torn, and is cut.
  for (const subject of ['to', 'again to']) {
    for (const address of locals) local = await send(test, [address], `${subject} ${address}`);
  }
  const remote = await send(test, ['someone@far.test'], 'far away');
  await eventually('a first attempt', async () => {
    const { entry } = await test.call('queue.show', { id: remote });
    return entry.recipients[0]!.attemptCount > 0 ? true : undefined;
  });
  return { local, remote };
}

type Call = <M extends ControlMethod>(
  method: M,
  params: ControlParams<M>,
) => Promise<ControlResult<M>>;

/** Everything accounts and queue show: mailboxes, messages with their bytes, waiting recipients. */
async function listings(handlers: ControlHandlers): Promise<unknown> {
  const call: Call = (method, params) => callOn(handlers, method, params);
  const { accounts } = await call('account.list', {});
  const shown = [];
  for (const { address } of accounts) {
    const messages: unknown[] = [];
    await handlers['mailbox.export']!(
      { account: address },
      {
        by: askedHere,
        body: emptyBytes,
        signal: new AbortController().signal,
        emit: async (item, body) => {
          messages.push([item, Buffer.from(body ?? emptyBytes).toString('latin1')]);
        },
      },
    );
    const { account } = await call('account.show', { address });
    const { mailboxes } = await call('mailbox.list', { account: address });
    shown.push({ address, mailboxes, messages, usedBytes: account.usedBytes });
  }
  const queue = await call('queue.list', { limit: 1_000 });
  return { shown, queue };
}

interface Verified {
  readonly answer: ControlResult<'store.verify'>;
  readonly findings: readonly StoreFinding[];
}

async function verify(handlers: ControlHandlers, shards: number[] = []): Promise<Verified> {
  const findings: StoreFinding[] = [];
  const { signal } = new AbortController();
  const emit = async (finding: StoreFinding) => void findings.push(finding);
  const answer = await handlers['store.verify']!(
    { shards },
    { by: askedHere, body: emptyBytes, signal, emit },
  );
  assert.equal(answer.findingCount, findings.length);
  return { answer, findings };
}

async function offline<T>(
  settings: Settings,
  run: (handlers: ControlHandlers) => Promise<T>,
): Promise<T> {
  const store = await openOffline(settings);
  try {
    return await run(store.handlers);
  } finally {
    await store.close();
  }
}

/** Turns a byte of a record's body round, wherever the text stands in the journals. */
function spoil(test: TestServer, text: string): number {
  let count = 0;
  for (const name of globSync(join(test.folder, 'data/shards/*/journal/*.seg'))) {
    const bytes = readFileSync(name);
    const at = bytes.indexOf(text);
    if (at === -1) continue;
    const file = openSync(name, 'r+');
    writeSync(file, Buffer.of(bytes[at]! ^ 0x20), 0, 1, at);
    closeSync(file);
    count++;
  }
  return count;
}

function removeIndexes(test: TestServer): void {
  const folders = globSync(join(test.folder, 'data/shards/*/index'));
  assert.ok(folders.length > 0);
  for (const folder of folders) rmSync(folder, { recursive: true });
}

function journalBytes(test: TestServer): number {
  return globSync(join(test.folder, 'data/shards/*/journal/*.seg'))
    .map((name) => statSync(name).size)
    .reduce((sum, size) => sum + size, 0);
}

describe('store verify', () => {
  it('finds a sound store sound, running and stopped, and counts the same records', async () => {
    await using test = await startStore();
    await sendSome(test);
    const running = await verify(test.server.handlers);
    assert.deepEqual(running.findings, []);
    assert.equal(running.answer.shardCount, 4);
    // An account and two messages for each, the message that waits and its attempt.
    assert.ok(running.answer.recordCount >= 3 * locals.length + 2);
    await test.stop();
    const run = await offline(test.settings, (handlers) =>
      runCli(['store', 'verify'], { handlers }),
    );
    assert.equal(run.code, 0, run.error);
    assert.match(run.out, /in 4 shards: all sound\.\n$/);
  });

  it('names the message whose bytes were changed on disk, exits 1, and keeps the index', async () => {
    await using test = await startStore();
    const { remote } = await sendSome(test);
    await test.stop();
    assert.equal(spoil(test, 'Subject: to ben@'), 1);
    assert.equal(spoil(test, 'Subject: far away'), 1);
    await offline(test.settings, async (handlers) => {
      const { findings } = await verify(handlers);
      assert.deepEqual(
        findings.flatMap(({ messages }) => messages).sort(),
        [remote, 'ben@here.test document 1, mailbox 1 UID 1'].sort(),
      );
      assert.ok(findings.every(({ segment }) => /^segment \d+$/.test(segment)));
      const run = await runCli(['store', 'verify'], { handlers });
      assert.equal(run.code, 1);
      assert.match(run.out, /messages: ben@here\.test document 1, mailbox 1 UID 1/);
      assert.match(run.out, /2 findings\.\n$/);
      // Of what is damaged, the index may be the last to know.
      const rebuilding = callOn(handlers, 'store.rebuild', { shards: [findings[0]!.shard] });
      await assert.rejects(rebuilding, /not-possible-now: the journal of shard \d is damaged/);
    });
    await using again = await restart(test);
    const { findings } = await verify(again.server.handlers);
    assert.equal(findings.length, 2);
  });

  it('reads only the shards asked for, and refuses one that is not there', async () => {
    await using test = await startStore();
    const { answer } = await verify(test.server.handlers, [1, 3]);
    assert.equal(answer.shardCount, 2);
    await assert.rejects(verify(test.server.handlers, [4]), /argument-invalid/);
  });
});

describe('store rebuild', () => {
  it('gives the same listings, running, stopped, and by itself when the index folders are gone', async () => {
    await using test = await startStore();
    await sendSome(test);
    const before = await listings(test.server.handlers);
    const rebuilt = await test.call('store.rebuild', { shards: [] });
    assert.equal(rebuilt.shardCount, 4);
    assert.ok(rebuilt.recordCount >= 3 * locals.length + 2);
    assert.deepEqual(await listings(test.server.handlers), before);
    await test.stop();
    await offline(test.settings, async (handlers) => {
      await callOn(handlers, 'store.rebuild', { shards: [] });
      assert.deepEqual(await listings(handlers), before);
    });
    removeIndexes(test);
    await using again = await restart(test);
    assert.deepEqual(await listings(again.server.handlers), before);
    assert.deepEqual((await verify(again.server.handlers)).findings, []);
  });

  it('keeps mail waiting that comes meanwhile, and loses none of it', async () => {
    await using test = await startStore();
    await sendSome(test);
    const sending = (async () => {
      for (let i = 0; i < 40; i++) await send(test, [locals[i % 6]!], `meanwhile ${i}`);
    })();
    for (let i = 0; i < 3; i++) await test.call('store.rebuild', { shards: [] });
    await sending;
    let count = 0;
    for (const address of locals) {
      const { mailboxes } = await test.call('mailbox.list', { account: address });
      for (const { messageCount } of mailboxes) count += messageCount;
    }
    assert.equal(count, 40 + 2 * locals.length);
  });
});

/** Many messages that go again, around one that stays and is answered. */
async function sendAndDelete(test: TestServer): Promise<string> {
  const going: string[] = [];
  // As large as stands in a segment: above it a body has a file of its own.
  const large = 240 * 1_024;
  for (let i = 0; i < 8; i++) going.push(await send(test, ['gone@far.test'], `goes ${i}`, large));
  const stays = await send(test, ['stays@far.test'], 'stays');
  for (let i = 8; i < 16; i++) going.push(await send(test, ['gone@far.test'], `goes ${i}`, large));
  await eventually('first attempts', async () => {
    const { entries } = await test.call('queue.list', { limit: 100 });
    const isTried = entries.every(({ recipients }) => recipients[0]!.attemptCount > 0);
    return entries.length > going.length && isTried ? true : undefined;
  });
  const { count } = await test.call('queue.delete', { ids: going, withBounce: false });
  assert.equal(count, going.length);
  return stays;
}

const megabyte = 1_000_000;

describe('store compact', () => {
  it('frees a segment in which little lives, stopped and running, and loses nothing', async () => {
    await using test = await startStore();
    await sendSome(test);
    const stays = await sendAndDelete(test);
    const before = await listings(test.server.handlers);
    await test.stop();
    const bytesBefore = journalBytes(test);
    const freed = await offline(test.settings, (handlers) =>
      callOn(handlers, 'store.compact', { shards: [] }),
    );
    assert.equal(freed.shardCount, 4);
    assert.ok(freed.bytesFreed > 3 * megabyte, JSON.stringify(freed));
    assert.ok(journalBytes(test) < bytesBefore - 3 * megabyte);
    await using again = await restart(test);
    assert.deepEqual(await listings(again.server.handlers), before);
    assert.equal((await again.call('queue.show', { id: stays })).entry.id, stays);
    assert.deepEqual((await verify(again.server.handlers)).findings, []);
    await again.call('store.compact', { shards: [] });
    await again.call('store.rebuild', { shards: [] });
    assert.deepEqual(await listings(again.server.handlers), before);
    assert.deepEqual((await verify(again.server.handlers)).findings, []);
  });

  it('happens by itself where much is dead', async () => {
    await using test = await startStore({ 'store.segmentBytesMax': '1MiB' });
    const stays = await sendAndDelete(test);
    const before = await listings(test.server.handlers);
    await eventually('segments freed', () => {
      const segments = globSync(join(test.folder, 'data/shards/*/journal/*1.seg'));
      return segments.length === 3 ? true : undefined;
    });
    assert.deepEqual(await listings(test.server.handlers), before);
    assert.equal((await test.call('queue.show', { id: stays })).entry.id, stays);
  });
});
