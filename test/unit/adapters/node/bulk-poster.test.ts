/** Aim: of a bulk request each line's end is known, or of none. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { BulkTooLarge, createBulkPoster } from '../../../../src/adapters/node/bulk-poster.ts';

const never = new AbortController().signal;

async function post(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  lines = ['{}\n'],
) {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const poster = createBulkPoster({
    ...{ url, authorization: 'ApiKey x', roots: '', timeoutMs: 500 },
  });
  try {
    return await poster.post(lines, never);
  } finally {
    await poster.close();
    server.closeAllConnections();
    server.close();
  }
}

const items = (...all: readonly (readonly [number, string?])[]) => ({
  errors: true,
  items: all.map(([status, type]) => ({
    create: { status, ...(type === undefined ? {} : { error: { type } }) },
  })),
});
const json = (value: unknown) => (_: IncomingMessage, response: ServerResponse) => {
  response.end(JSON.stringify(value));
};

test('a request says what it is, and each line hears what became of it', async () => {
  let seen: unknown;
  const lines = ['{"a":1}\n', '{"b":2}\n', '{"c":3}\n'];
  const answer = await post((request, response) => {
    const { method, url, headers } = request;
    seen = [method, url?.split('?')[0], headers['content-type'], headers.authorization];
    response.end(JSON.stringify(items([201], [409, 'version_conflict_engine_exception'], [400])));
  }, lines);
  assert.deepEqual(seen, ['POST', '/_bulk', 'application/x-ndjson', 'ApiKey x']);
  assert.deepEqual(answer, [
    { status: 201, type: '' },
    { status: 409, type: 'version_conflict_engine_exception' },
    { status: 400, type: '' },
  ]);
});

test('an answer that does not tell of each line is none', async () => {
  for (const bad of [{}, { errors: false }, { errors: false, items: [] }, items([201], [201])]) {
    await assert.rejects(post(json(bad)), /no answer/, JSON.stringify(bad));
  }
  assert.deepEqual(await post(json({ items: [{ index: { status: 201 } }] })), [
    { status: 500, type: '' },
  ]);
  const status = (code: number) => (_: IncomingMessage, response: ServerResponse) => {
    response.statusCode = code;
    response.end('{}');
  };
  await assert.rejects(post(status(401)), /status 401/);
  await assert.rejects(post(status(503)), /status 503/);
  await assert.rejects(post(status(413)), BulkTooLarge);
  await assert.rejects(post((_, response) => response.end('<html>')));
  await assert.rejects(
    post(() => {}),
    /timeout|aborted/i,
  );
  const flood = (_: IncomingMessage, response: ServerResponse) =>
    response.end('x'.repeat(1_100_000));
  await assert.rejects(post(flood), /too large/);
});
