/**
 * Aim: the entries of a real server reach a syslog receiver and an Elasticsearch, each in order, past a stop; acts wait
 * for neither; signed heads come by syslog, too.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, startTestServer } from '../support/test-server.ts';

/** Messages of frames counted by octets (RFC 6587 §3.4.1). */
function messagesIn(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const end = space + 1 + Number(bytes.toString('latin1', at, space));
    messages.push(bytes.toString('utf8', space + 1, end));
    at = end;
  }
  return messages;
}

async function receivers() {
  const syslog: string[] = [];
  const documents: { seq: number; act: string }[] = [];
  const state = { isDown: false };
  const line = createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => syslog.push(...messagesIn(Buffer.concat(chunks))));
  });
  const search = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (state.isDown) {
        response.statusCode = 503;
        response.end();
        return;
      }
      const lines = Buffer.concat(chunks).toString().trim().split('\n');
      documents.push(
        ...lines.filter((_, index) => index % 2 === 1).map((each) => JSON.parse(each)),
      );
      const items = new Array(lines.length / 2).fill({ create: { status: 201 } });
      response.end(JSON.stringify({ errors: false, items }));
    });
  });
  for (const each of [line, search]) each.listen(0, '127.0.0.1');
  await Promise.all([once(line, 'listening'), once(search, 'listening')]);
  const portOf = (each: typeof line) => (each.address() as AddressInfo).port;
  const settings = {
    'audit.syslog.url': `tcp://127.0.0.1:${portOf(line)}`,
    'audit.elasticsearch.url': `http://127.0.0.1:${portOf(search)}`,
    'audit.heads.everyMs': '1s',
  };
  const close = () => {
    line.close();
    search.closeAllConnections();
    search.close();
  };
  return { syslog, documents, state, settings, close };
}

test('each entry is sent, in its order, once the receiver takes it again, past a stop', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaski-senders-'));
  const to = await receivers();
  try {
    to.state.isDown = true;
    const first = await startTestServer(to.settings, { folder });
    await first.call('tenant.create', { name: 'acme' });
    const entryOf = (seq: number) => to.syslog.find((text) => text.includes(` externalId=${seq} `));
    await eventually('syslog', () => entryOf(3));
    await eventually('a head', () => to.syslog.find((text) => text.includes('"kind":"head"')));
    await first.stop();
    assert.deepEqual(to.documents, [], 'acts waited for nobody');
    assert.match(
      entryOf(2)!,
      /^<110>1 \d{4}-\S+Z mx\.test chaski - audit-entry - CEF:0\|Chaski\|Chaski\|0\.0\.0\|tenant\.create\|/,
    );
    to.state.isDown = false;
    const second = await startTestServer(to.settings, { folder });
    await eventually('documents', () => (to.documents.length >= 5 ? true : undefined));
    await second.stop();
    const numbers = to.documents.map(({ seq }) => seq);
    assert.deepEqual(
      numbers,
      numbers.map((_, place) => place + 1),
    );
    const again = to.syslog.filter((text) => text.includes(' externalId=2 '));
    assert.equal(again.length, 1, 'what was sent before the stop is not sent after it');
  } finally {
    to.close();
    rmSync(folder, { recursive: true });
  }
});
