/**
 * Aim:    a document takes neither our time nor our memory, and comes from where the guard lets it.
 * Method: servers on this machine that answer wrongly, endlessly or not at all.
 */

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createWebReader } from '../../../../src/adapters/node/web-reader.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const timeoutMs = 300;
const bytesMax = 1_000;

async function readFrom(answer: (response: ServerResponse, path: string) => void, mayDial = true) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url!);
    answer(response, request.url!);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const reader = createWebReader({ dns: new ZoneDns({}), mayDial: () => mayDial, timeoutMs });
  const result = await reader.read(`http://127.0.0.1:${port}/a`, bytesMax);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { result, paths };
}

it('a document is read up to its limit, and not beyond', async () => {
  const whole = await readFrom((response) => response.end('x'.repeat(bytesMax)));
  assert.deepEqual(whole.result, { ok: true, text: 'x'.repeat(bytesMax) });
  const more = await readFrom((response) => response.end('x'.repeat(bytesMax + 1)));
  assert.equal(more.result.ok, false);
});

it('a status other than 200 is no document, and no redirect is followed', async () => {
  const missing = await readFrom((response) => response.writeHead(404).end('{}'));
  assert.deepEqual(missing.result, { ok: false, detail: 'status 404' });
  const moved = await readFrom((response) => response.writeHead(302, { location: '/b' }).end());
  assert.deepEqual(moved, { result: { ok: false, detail: 'status 302' }, paths: ['/a'] });
});

it('a server that says nothing, or drips, is left at its time', async () => {
  const silent = await readFrom(() => {});
  assert.equal(silent.result.ok, false);
  let drip: NodeJS.Timeout | undefined;
  const slow = await readFrom((response) => {
    drip = setInterval(() => response.write(' '), 20);
  });
  clearInterval(drip);
  assert.equal(slow.result.ok, false);
});

it('an address that may not be dialled is not', async () => {
  const { result, paths } = await readFrom((response) => response.end('{}'), false);
  assert.match(result.ok ? '' : result.detail, /leads where none may go/);
  assert.deepEqual(paths, []);
});
