/**
 * Aim: what a browser or a proxy between could be led to do with our answers, it is told not to do, and no request is
 * read in two ways.
 * Method: the real server; requests octet by octet where a client would not write them.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const name = 'ann@acme.test';
const password = 'a long pass phrase';
let server: TestServer;

before(async () => {
  server = await startTestServer({
    ...{ 'listen.http': '127.0.0.1:0', 'public.url': 'https://mail.acme.test' },
    'smtp.messageBytesMax': '1MiB',
  });
  await server.call('tenant.create', { name: 'acme' });
  await server.call('domain.create', { name: 'acme.test', tenant: 'acme' });
  await server.call('account.create', { address: name, password });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const ask = (path: string, options: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${server.ports.http}${path}`, { redirect: 'manual', ...options });

const json = (body: unknown): RequestInit => ({
  ...{ method: 'POST', body: JSON.stringify(body) },
  headers: { 'content-type': 'application/json' },
});

/** What came until the server closed; nothing may come after that. */
async function raw(text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: server.ports.http! });
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

test('no answer is stored, guessed at, or shown in somebody’s frame', async () => {
  for (const [path, options] of [
    ['/healthz', {}],
    ['/reset/nothing', {}],
    ['/unsubscribe/nothing', {}],
    ['/nothing', {}],
    ['/api/openapi.json', {}],
    ['/api/docs', {}],
    ['/api/nothing', {}],
    ['/api/v1/token', json({ name, password })],
    ['/api/v1/token', json({ name, password: 'wrong' })],
    ['/api/v1/sessions', {}],
  ] as const) {
    const { headers } = await ask(path, options);
    assert.equal(headers.get('cache-control'), 'no-store', path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|\*/, path);
    assert.equal(headers.get('set-cookie'), null, path);
  }
});

test('the page of the API runs what is its own, and nothing inline', async () => {
  const answer = await ask('/api/docs');
  assert.match(answer.headers.get('content-security-policy') ?? '', /script-src 'self';/);
  const page = await answer.text();
  assert.doesNotMatch(page, /<script(?![^>]*src=)|<style| on\w+=|https?:/);
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js']) {
    const { status, headers } = await ask(`/api/docs/${file}`);
    assert.equal(status, 200);
    assert.match(
      headers.get('content-type') ?? '',
      file.endsWith('css') ? /^text\/css/ : /^text\/javascript/,
    );
  }
  for (const path of ['/api/docs/../../package.json', '/api/docs/%2e%2e%2fpackage.json']) {
    const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    assert.match(await raw(head), /^HTTP\/1\.1 40[14] /, path);
  }
});

test('who shows nothing good is told how to log in', async () => {
  for (const authorization of [undefined, 'Bearer nothing', 'Basic YTpi']) {
    for (const path of ['/api/v1/sessions', '/api/v1/events']) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await ask(path, { headers });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    }
  }
  const wrong = await ask('/api/v1/token', json({ name, password: 'wrong' }));
  assert.deepEqual([wrong.status, wrong.headers.get('www-authenticate')], [401, 'Bearer']);
});

test('a page of another origin may ask nothing and read nothing', async () => {
  const origin = 'https://evil.example';
  for (const path of ['/api/v1/token', '/api/v1/sessions', '/healthz', '/reset/nothing']) {
    const preflight = await ask(path, {
      method: 'OPTIONS',
      headers: {
        ...{ origin, 'access-control-request-method': 'POST' },
        'access-control-request-headers': 'authorization, content-type',
      },
    });
    assert.ok(preflight.status >= 400, `${path} ${preflight.status}`);
    const simple = await ask(path, { headers: { origin } });
    for (const { headers } of [preflight, simple]) {
      for (const [field] of headers) assert.doesNotMatch(field, /^access-control-/, path);
    }
  }
  // What a form of that page could send is no request of ours.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const body = JSON.stringify({ name, password });
    const answer = await ask('/api/v1/token', {
      ...{ method: 'POST', body, headers: { origin, 'content-type': type } },
    });
    assert.equal(answer.status, 415, type);
  }
});

test('requests have a size, and say it', async () => {
  const { secret: key } = await server.call('key.create', { tenant: 'acme', scopes: ['send'] });
  const head = (path: string, extra: string) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n${extra}\r\n`;
  for (const [path, extra, status] of [
    ['/api/v1/token', 'Content-Length: 16385\r\n', 413],
    ['/api/v1/password-reset', 'Content-Length: 10000000\r\n', 413],
    ['/api/v1/token', 'Content-Length: 99999999999999\r\n', 413],
    ['/api/v1/messages', 'Content-Length: 99999999\r\n', 413],
    ['/api/v1/messages', 'Transfer-Encoding: chunked\r\n', 411],
    ['/api/v1/token', 'Transfer-Encoding: chunked\r\n', 411],
    ['/reset/nothing', 'Content-Length: 16385\r\n', 413],
    ['/healthz', `X-Long: ${'x'.repeat(20_000)}\r\n`, 431],
  ] as const) {
    const answer = await raw(head(path, extra));
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${path} ${extra.slice(0, 60)}`);
    assert.equal(answer.match(/HTTP\/1\.1 /g)!.length, 1);
  }
});

test('a request that two servers may read in two ways is refused, and ends its connection', async () => {
  const hidden = 'GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const host = 'Host: localhost\r\n';
  const chunked = `0\r\n\r\n${hidden}`;
  for (const [what, text] of Object.entries({
    'both lengths': `POST /healthz HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    'both lengths, other order': `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${chunked}`,
    'two lengths': `POST /healthz HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\n${chunked}`,
    'a list of lengths': `POST /healthz HTTP/1.1\r\n${host}Content-Length: 5, 5\r\n\r\n${chunked}`,
    'a signed length': `POST /healthz HTTP/1.1\r\n${host}Content-Length: +5\r\n\r\n${chunked}`,
    'a hexadecimal length': `POST /healthz HTTP/1.1\r\n${host}Content-Length: 0x5\r\n\r\n${chunked}`,
    'another encoding': `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n${chunked}`,
    'chunked, and more': `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`,
    'a space before the colon': `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n${chunked}`,
    'a folded line': `POST /healthz HTTP/1.1\r\n${host}X-A: b\r\n Content-Length: 5\r\n\r\n${chunked}`,
    'a bare LF': `POST /healthz HTTP/1.1\n${host}Content-Length: 5\n\n${chunked}`,
    'a bare CR': `GET /healthz HTTP/1.1\r\n${host}X-A: b\rContent-Length: 5\r\n\r\n${hidden}`,
    'a NUL': `GET /healthz HTTP/1.1\r\n${host}X-A: b\0\r\n\r\n${hidden}`,
    'two hosts': `GET /healthz HTTP/1.1\r\n${host}Host: other\r\n\r\n${hidden}`,
    'no host': `GET /healthz HTTP/1.1\r\n\r\n${hidden}`,
    'a chunk of another size': `POST /healthz HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n${hidden}`,
    'no version': `GET /healthz\r\n\r\n${hidden}`,
  })) {
    const answer = await raw(text);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, what);
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)!.length, 1, `${what}: ${answer}`);
  }
});

test('who shows no key holds no connection with a body that does not come', async () => {
  const startMs = performance.now();
  const head =
    'POST /api/v1/token HTTP/1.1\r\nHost: mail.acme.test\r\nContent-Type: application/json\r\n';
  assert.equal(await raw(`${head}Content-Length: 900\r\n\r\n{`), '');
  const ms = performance.now() - startMs;
  assert.ok(ms > 9_000 && ms < 25_000, `${ms} ms`);
});
