/**
 * Aim: mail programs find their configuration under all names they try, and nobody learns more than a domain's.
 * Method: real requests, some of them raw, to the routes on a free port.
 */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { silentLog } from '../../../../../src/base/log.ts';
import {
  type ClientConfigSources,
  clientConfigRoutes,
} from '../../../../../src/edge/protocols/http/client-config.ts';
import { listenHttp } from '../../../../../src/edge/protocols/http/server.ts';
import { serviceOf } from '../../../../../src/mail/formats/client-config/services.ts';

const services = [
  serviceOf('imaps', 'mail.example.net', 993),
  serviceOf('submissions', 'mail.example.net', 465),
];

async function listening(more: Partial<ClientConfigSources> = {}) {
  const routes = clientConfigRoutes({
    services,
    url: '',
    isDomainOurs: async (name) => name === 'example.org' || name === 'xn--bcher-kva.example',
    ...more,
  });
  const secret = () => ({ status: 200, type: 'text/plain', body: 'secret' });
  const listener = await listenHttp({
    ...{ addresses: [{ host: '127.0.0.1', port: 0 }], hosts: ['mail.example.net'] },
    ...{ routes: { ...routes, '/metrics': secret }, log: silentLog },
  });
  const { port } = listener.addresses[0]!;
  return { port, [Symbol.asyncDispose]: () => listener.close() };
}

interface Heard {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  more: { readonly host?: string; readonly method?: string; readonly body?: string } = {},
): Promise<Heard> {
  const { host = '127.0.0.1', method = 'GET', body } = more;
  return new Promise((resolve, reject) => {
    const asked = request(
      { port, path, method, host: '127.0.0.1', headers: { host }, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: text }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const wellKnown = '/.well-known/autoconfig/mail/config-v1.1.xml';

test('autoconfig answers by address, and by the name it was asked under', async () => {
  await using server = await listening();
  for (const [path, host] of [
    [`${wellKnown}?emailaddress=ann%40example.org`, '127.0.0.1'],
    [wellKnown, 'example.org'],
    ['/mail/config-v1.1.xml', 'autoconfig.example.org'],
    ['/mail/config-v1.1.xml?emailaddress=x@EXAMPLE.org', 'autoconfig.example.org'],
  ] as const) {
    const { status, headers, body } = await ask(server.port, path, { host });
    assert.equal(status, 200, path);
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    assert.match(body, /<emailProvider id="example\.org">[\s\S]*<hostname>mail\.example\.net</);
  }
  const idn = await ask(server.port, `${wellKnown}?emailaddress=ann@b%C3%BCcher.example`);
  assert.match(idn.body, /<domain>xn--bcher-kva\.example</);
});

test('domains that are not ours, and what is no address, have no configuration', async () => {
  await using server = await listening();
  for (const query of [
    'ann@example.com',
    'example.org',
    '@example.org',
    'a%00@example.org',
    'ann@',
  ]) {
    const { status } = await ask(server.port, `${wellKnown}?emailaddress=${query}`);
    assert.equal(status, 404, query);
    const apple = await ask(server.port, `/mail/apple.mobileconfig?emailaddress=${query}`);
    assert.equal(apple.status, 404, query);
  }
  assert.equal((await ask(server.port, wellKnown)).status, 404);
  await using empty = await listening({ services: [] });
  const address = 'emailaddress=ann@example.org';
  assert.equal((await ask(empty.port, `${wellKnown}?${address}`)).status, 404);
  assert.equal((await ask(empty.port, `/mail/apple.mobileconfig?${address}`)).status, 404);
});

test('names of our domains lead to these routes and to no others', async () => {
  await using server = await listening();
  for (const host of ['example.org', 'autoconfig.example.org', 'autodiscover.example.org']) {
    assert.equal((await ask(server.port, wellKnown, { host })).status, 200, host);
    assert.equal((await ask(server.port, '/metrics', { host })).status, 421, host);
    assert.equal((await ask(server.port, '/nothing', { host })).status, 421, host);
  }
  for (const host of ['evil.example', 'autoconfig.evil.example', 'x.example.org']) {
    assert.equal((await ask(server.port, wellKnown, { host })).status, 421, host);
  }
  assert.equal((await ask(server.port, '/metrics', { host: 'mail.example.net' })).status, 200);
});

const outlook = (address: string) =>
  `<Autodiscover><Request><EMailAddress>${address}</EMailAddress></Request></Autodiscover>`;

test('autodiscover answers a POST under each spelling of its path', async () => {
  await using server = await listening();
  const host = 'autodiscover.example.org';
  for (const path of [
    '/autodiscover/autodiscover.xml',
    '/Autodiscover/Autodiscover.xml',
    '/AutoDiscover/AutoDiscover.xml',
  ]) {
    const asked = { host, method: 'POST', body: outlook('ann@example.org') };
    const { status, body } = await ask(server.port, path, asked);
    assert.equal(status, 200, path);
    assert.match(body, /<LoginName>ann@example\.org</);
  }
  const path = '/autodiscover/autodiscover.xml';
  const post = async (body: string) =>
    (await ask(server.port, path, { method: 'POST', body })).status;
  assert.equal(await post(outlook('ann@example.com')), 404);
  assert.equal(await post(outlook('&x;')), 400);
  assert.equal(await post(''), 400);
});

test('a body is taken by autodiscover alone, and up to 16 kB', async () => {
  await using server = await listening();
  const path = '/autodiscover/autodiscover.xml';
  const padded = (length: number) => outlook('ann@example.org').padEnd(length);
  const post = (body: string, to = path) => ask(server.port, to, { method: 'POST', body });
  assert.equal((await post(padded(16 * 1_024))).status, 200);
  assert.equal((await post(padded(16 * 1_024 + 1))).status, 413);
  assert.equal((await post('x', wellKnown)).status, 413);
  assert.equal((await ask(server.port, wellKnown, { method: 'POST' })).status, 405);
  // In chunks, whose sum no header tells.
  const asked = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    duplex: 'half',
    body: new Blob([padded(40_000)]).stream(),
  });
  assert.equal(asked.status, 413);
});

test('a GET of autodiscover leads to where it is under TLS, if it is', async () => {
  const path = '/autodiscover/autodiscover.xml';
  await using nowhere = await listening();
  const refused = await ask(nowhere.port, path);
  assert.deepEqual([refused.status, refused.headers.allow], [405, 'POST']);
  await using there = await listening({ url: 'https://web.example.net' });
  const { status, headers } = await ask(there.port, path, { host: 'autodiscover.example.org' });
  assert.deepEqual([status, headers.location], [302, `https://web.example.net${path}`]);
});

test('Apple’s Mail gets a profile', async () => {
  await using server = await listening();
  const path = '/mail/apple.mobileconfig?emailaddress=ann@example.org';
  const { status, headers, body } = await ask(server.port, path);
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^application\/x-apple-aspen-config/);
  assert.match(body, /<string>ann@example\.org<\/string>/);
});
