/**
 * Aim: by the admin API a command asks what it says and nothing beside it, and takes no part of a list for the whole.
 * Method: a server that notes requests and answers as told.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UsageError } from '../../../src/cli/command.ts';
import type { Control } from '../../../src/cli/control-client.ts';
import { openRestControl } from '../../../src/cli/rest-control.ts';

const asked: string[] = [];
let answer: unknown = {};
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  request.resume();
  response.end(JSON.stringify(answer));
});
let folder: string;
let tokenFile: string;
let control: Control;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rest-control-'));
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'a.b.c\n');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  control = await openRestControl(`http://127.0.0.1:${port}`, tokenFile);
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

async function requestOf(account: string): Promise<string | undefined> {
  asked.length = 0;
  await control.call('account.delete', { address: account });
  return asked[0];
}

test('whatever a parameter holds, it is one part of the path', async () => {
  answer = {};
  for (const [given, part] of [
    ['ann@here.test', 'ann%40here.test'],
    ['../tenants/acme', '..%2Ftenants%2Facme'],
    ['..\\x', '..%5Cx'],
    ['a/b?c=d#e', 'a%2Fb%3Fc%3Dd%23e'],
    ['%2e%2e', '%252e%252e'],
    ['...', '...'],
    ['\tä\r\n\0 ', '%09%C3%A4%0D%0A%00%20'],
  ] as const) {
    assert.equal(await requestOf(given), `DELETE /api/v1/accounts/${part}`, given);
  }
});

test('what would lead elsewhere is refused, and nothing is asked', async () => {
  for (const given of ['', '.', '..', '\ud800']) {
    await assert.rejects(requestOf(given), UsageError, given);
    assert.deepEqual(asked, []);
  }
});

test('a list that was cut is handed out and is a failure; a whole one is none', async () => {
  const items: unknown[] = [];
  const onItem = (item: unknown) => void items.push(item);
  answer = { count: 1, items: [{ id: 1 }], isComplete: true };
  const result = await control.call('mailbox.expunged', { account: 'ann@here.test' }, { onItem });
  assert.deepEqual([result, items], [{ count: 1 }, [{ id: 1 }]]);
  answer = { count: 2, items: [{ id: 2 }, { id: 3 }], isComplete: false };
  await assert.rejects(control.call('mailbox.expunged', { account: 'ann@here.test' }, { onItem }), {
    code: 'not-possible-now',
    message: /the first 2 only/,
  });
  assert.deepEqual(items, [{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('a token goes by TLS or to this machine, and nowhere else', async () => {
  for (const url of [
    'http://mail.example.org',
    'http://192.0.2.1',
    'ftp://localhost',
    'localhost',
  ]) {
    await assert.rejects(openRestControl(url, tokenFile), UsageError, url);
  }
  for (const url of ['https://mail.example.org', 'http://localhost:1', 'http://[::1]:1']) {
    await openRestControl(url, tokenFile);
  }
  await assert.rejects(openRestControl('https://mail.example.org', undefined), UsageError);
  writeFileSync(join(folder, 'bad'), 'a token\nand more');
  await assert.rejects(
    openRestControl('https://mail.example.org', join(folder, 'bad')),
    UsageError,
  );
});
