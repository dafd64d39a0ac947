/** Aim: of a bulk request each line's end is known: taken, there already, refused for good, or to be sent again. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createBulkPoster } from '../../../../src/adapters/node/bulk-poster.ts';

const never = new AbortController().signal;

async function post(answer: (request: IncomingMessage, response: ServerResponse) => void) {
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
    return await poster.post('{}\n', never);
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

test('a request says what it is, and all that was taken is done', async () => {
  let seen: unknown;
  const answer = await post((request, response) => {
    const { method, url, headers } = request;
    seen = [method, url?.split('?')[0], headers['content-type'], headers.authorization];
    response.end('{"errors":false}');
  });
  assert.deepEqual(seen, ['POST', '/_bulk', 'application/x-ndjson', 'ApiKey x']);
  assert.deepEqual(answer, { refused: 0, why: '' });
});

test('what is there already is done, what is refused for good is counted', async () => {
  const there = items([201], [409, 'version_conflict_engine_exception']);
  assert.deepEqual(await post(json(there)), { refused: 0, why: '' });
  const refused = items([201], [400, 'mapper_parsing_exception'], [403]);
  assert.deepEqual(await post(json(refused)), { refused: 2, why: '400 mapper_parsing_exception' });
});

test('what may be taken later is to be sent again', async () => {
  await assert.rejects(post(json(items([201], [429, 'es_rejected_execution_exception']))), /429/);
  await assert.rejects(post(json(items([503]))), /503/);
  await assert.rejects(post(json({ errors: true })), /no answer/);
  const status = (code: number) => (_: IncomingMessage, response: ServerResponse) => {
    response.statusCode = code;
    response.end('{}');
  };
  await assert.rejects(post(status(401)), /status 401/);
  await assert.rejects(post(status(503)), /status 503/);
  await assert.rejects(post((_, response) => response.end('<html>')));
  await assert.rejects(
    post(() => {}),
    /timeout|aborted/i,
  );
  const flood = (_: IncomingMessage, response: ServerResponse) =>
    response.end('x'.repeat(1_100_000));
  await assert.rejects(post(flood), /too large/);
});
