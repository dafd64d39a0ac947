/** Aim: operators' calls reach their handlers and faults come back whole. Method: the CLI's own client and raw HTTP. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ControlHandlers } from '../../../../../src/actors/asks/control.ts';
import { AssertionError } from '../../../../../src/base/assert.ts';
import { MailError } from '../../../../../src/base/errors.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import { UnreachableError } from '../../../../../src/cli/command.ts';
import { openControl } from '../../../../../src/cli/control-client.ts';
import { serveControl } from '../../../../../src/edge/protocols/control/server.ts';
import { loadOrThrow } from '../../../../../src/settings/load.ts';

const status = {
  version: '0',
  processId: 1,
  startedMs: 0,
  isReady: true,
  listeners: {},
};

async function serving(handlers: ControlHandlers) {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-control-'));
  const settings = loadOrThrow({ environment: { CHASKI_DATA: folder } });
  const path = join(folder, 'control.sock');
  const all = { 'server.status': () => status, ...handlers };
  const server = await serveControl({ path, lock: { folder }, handlers: all, log: silentLog });
  const control = await openControl(settings);
  return {
    server,
    control,
    settings,
    path,
    async [Symbol.asyncDispose]() {
      await control.close();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test('a call brings params and gives the result', async () => {
  await using it = await serving({
    'queue.retry': (params) => ({ count: params.ids?.length ?? 0 }),
  });
  assert.deepEqual(await it.control.call('queue.retry', { ids: ['a', 'b'] }), { count: 2 });
  assert.equal(it.control.isServer, true);
});

test('the socket is its owner’s only, and its file goes with the server', async () => {
  await using it = await serving({});
  assert.equal((await stat(it.path)).mode & 0o777, 0o600);
  await it.control.close();
  await it.server.close();
  await assert.rejects(stat(it.path));
});

test('a MailError comes back with its code and detail', async () => {
  await using it = await serving({
    'domain.show': ({ name }) => {
      throw new MailError('not-found', `there is no domain ${name}`);
    },
  });
  await assert.rejects(it.control.call('domain.show', { name: 'x.example' }), (error) => {
    assert.ok(error instanceof MailError);
    assert.deepEqual([error.code, error.detail], ['not-found', 'there is no domain x.example']);
    return true;
  });
});

test('a method the server does not answer is not possible now', async () => {
  await using it = await serving({});
  await assert.rejects(
    it.control.call('queue.flush', {}),
    (error) => error instanceof MailError && error.code === 'not-possible-now',
  );
});

test('a message of several megabytes crosses byte for byte, and items with bodies stream back', async () => {
  const message = Buffer.alloc(5_000_000, 'line\r\n');
  let arrived: Uint8Array | undefined;
  await using it = await serving({
    'message.send': (_params, call) => {
      arrived = call.body;
      return { id: 'X', recipients: [] };
    },
    'mailbox.export': async (_params, call) => {
      for (let uid = 1; uid <= 200; uid++) {
        const item = { mailbox: 'INBOX', uid, internalMs: 0, flags: [], size: 1, offset: 0 };
        await call.emit(item, Buffer.alloc(50_000, uid));
      }
      return { count: 200 };
    },
  });
  await it.control.call('message.send', { sender: '', recipients: ['a@b'] }, { body: message });
  assert.equal(Buffer.compare(arrived!, message), 0);
  let next = 1;
  const answer = await it.control.call(
    'mailbox.export',
    { account: 'a@b' },
    {
      onItem(item, body) {
        assert.equal(item.uid, next);
        assert.equal(Buffer.compare(body, Buffer.alloc(50_000, next)), 0);
        next++;
      },
    },
  );
  assert.deepEqual([answer.count, next], [200, 201]);
});

test('an asker that goes away aborts its handler', async () => {
  const aborted = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using it = await serving({
    'store.compact': (_params, call) => {
      call.signal.addEventListener('abort', () => aborted.resolve());
      started.resolve();
      return aborted.promise.then(() => {
        throw new MailError('not-possible-now');
      });
    },
  });
  const outcome = it.control.call('store.compact', { shards: [] }).catch((error) => error);
  await started.promise;
  await it.control.close();
  await aborted.promise;
  assert.ok((await outcome) instanceof UnreachableError);
});

test('a server that goes down waits for open calls, or cuts them off', async () => {
  const started = Promise.withResolvers<void>();
  await using it = await serving({
    'store.compact': (_params, call) => {
      started.resolve();
      return new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => reject(call.signal.reason));
      });
    },
  });
  const outcome = it.control.call('store.compact', { shards: [] }).catch((error) => error);
  await started.promise;
  let isClosed = false;
  const closing = it.server.close().then(() => {
    isClosed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isClosed, false);
  it.server.abort();
  await closing;
  assert.ok((await outcome) instanceof UnreachableError);
});

test('calls past the limit are refused at once, and those within it are answered', async () => {
  const go = Promise.withResolvers<void>();
  let openCount = 0;
  const full = Promise.withResolvers<void>();
  await using it = await serving({
    'queue.flush': async () => {
      openCount++;
      if (openCount === 32) full.resolve();
      await go.promise;
      return { count: 1 };
    },
  });
  const controls = await Promise.all(Array.from({ length: 32 }, () => openControl(it.settings)));
  const calls = controls.map((control) => control.call('queue.flush', {}));
  await full.promise;
  await assert.rejects(it.control.call('queue.flush', {}), /too many calls at a time/);
  go.resolve();
  assert.equal((await Promise.all(calls)).length, 32);
  await Promise.all(controls.map((control) => control.close()));
});

test('a handler that fails unexpectedly is told as such', async () => {
  await using it = await serving({
    'queue.flush': () => {
      throw new Error('out of luck');
    },
  });
  await assert.rejects(it.control.call('queue.flush', {}), /store-failed: out of luck/);
});

test('a stale socket file is replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-control-'));
  const path = join(folder, 'control.sock');
  await writeFile(path, '');
  const server = await serveControl({ path, lock: { folder }, handlers: {}, log: silentLog });
  assert.equal((await stat(path)).isSocket(), true);
  await server.close();
  await rm(folder, { recursive: true });
});

test('the lock of one folder gives no right to a socket in another', async () => {
  const options = { path: '/tmp/a/control.sock', lock: { folder: '/tmp/b' }, handlers: {} };
  await assert.rejects(serveControl({ ...options, log: silentLog }), AssertionError);
});

test('a server that is not there, or left its socket behind, is unreachable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-control-'));
  const settings = loadOrThrow({ environment: { CHASKI_DATA: folder } });
  await assert.rejects(openControl(settings), UnreachableError);
  await writeFile(join(folder, 'control.sock'), '');
  await assert.rejects(openControl(settings), UnreachableError);
  await rm(folder, { recursive: true });
});

test('requests that are no frame are refused', async () => {
  await using it = await serving({});
  const send = async (method: string, path: string, body: string) => {
    const sent = request({ socketPath: it.path, method, path });
    sent.end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };
  const good = '{"kind":"request","params":{},"bodyBytes":0}\n';
  assert.equal(await send('GET', '/v1/server.status', ''), 404);
  assert.equal(await send('POST', '/server.status', good), 404);
  for (const bad of [
    '',
    '{}\n',
    '{"kind":"item","item":1,"bodyBytes":0}\n',
    good + good,
    good.slice(0, -1),
    '{"kind":"request","params":null,"bodyBytes":0}\n',
    '{"kind":"request","params":{},"bodyBytes":5}\nabc',
  ]) {
    assert.equal(await send('POST', '/v1/server.status', bad), 400, bad);
  }
  for (const method of ['server.status', 'tls-report.list']) {
    assert.equal(await send('POST', `/v1/${method}`, good), 200, method);
  }
});
