/**
 * Aim:    whoever chose the URL gets neither our time nor our memory: a request ends at its time, and no more of an
 *         answer is read than the limit.
 * Method: receivers that say nothing, drip, or never stop.
 */

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createWebPoster } from '../../../../src/adapters/node/web-poster.ts';
import { ZoneDns } from '../../../support/zone-dns.ts';

const timeoutMs = 300;

async function posted(answer: (response: ServerResponse) => void, mayDial = true) {
  const closed = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.on('close', () => closed.resolve());
    request.resume().on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const dns = new ZoneDns({});
  const poster = createWebPoster({ dns, mayDial: () => mayDial, timeoutMs });
  const { signal } = new AbortController();
  const startedMs = performance.now();
  const result = await poster.post(`http://127.0.0.1:${port}/`, {}, Buffer.from('{}'), signal);
  const tookMs = performance.now() - startedMs;
  if (mayDial) await closed.promise;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { result, tookMs };
}

it('an answer counts by its status', async () => {
  const { result } = await posted((response) => response.writeHead(204).end());
  assert.deepEqual(result, { ok: true, status: 204 });
});

it('a receiver that says nothing is left at `timeoutMs`', async () => {
  const { result, tookMs } = await posted(() => {});
  assert.equal(result.ok, false);
  // Node's timers and performance.now() round apart.
  assert.ok(tookMs >= timeoutMs - 5 && tookMs < timeoutMs + 3_000, String(tookMs));
});

it('a receiver that drips its answer is left at `timeoutMs`, and has not taken it', async () => {
  const drips: NodeJS.Timeout[] = [];
  const { result, tookMs } = await posted((response) => {
    response.writeHead(200).flushHeaders();
    drips.push(setInterval(() => response.write('x'), 20));
  });
  for (const drip of drips) clearInterval(drip);
  assert.equal(result.ok, false);
  assert.ok(tookMs < timeoutMs + 3_000, String(tookMs));
});

it('an answer without end is read up to its limit, and its status counts', async () => {
  let written = 0;
  const { result } = await posted((response) => {
    const piece = Buffer.alloc(16_384, 'x');
    const more = () => {
      while (!response.destroyed) {
        written += piece.length;
        if (!response.write(piece)) break;
      }
    };
    response.on('drain', more);
    response.writeHead(200);
    more();
  });
  assert.deepEqual(result, { ok: true, status: 200 });
  // What the sockets of both sides hold comes on top.
  assert.ok(written < 32 * 1_048_576, String(written));
});

it('an address that may not be dialled is not', async () => {
  const { result } = await posted((response) => response.writeHead(200).end(), false);
  assert.equal(result.ok, false);
  assert.match(result.ok ? '' : result.detail, /leads where none may go/);
});
