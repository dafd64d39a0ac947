/**
 * Aim: the API answers what CI and the page ask, and what a message brings reaches a browser only as data or locked in.
 * Method: a real server on a free port, asked as a program, as the page, and as another site would.
 */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { MemoryBodies } from '../../../../src/harness/capture/bodies.ts';
import { CaptureHttp } from '../../../../src/harness/capture/http-server.ts';
import { CaptureStore } from '../../../../src/harness/capture/store.ts';

const envelope = {
  ...{ sender: 's@example.org', recipients: ['r@example.com'], receivedMs: Date.now() },
  ...{ client: '192.0.2.1', via: '127.0.0.1:25', isEncrypted: false },
};

const newsletter = [
  ...[
    'From: Ann <ann@news.example.org>',
    'To: r@example.com',
    'Subject: Hello',
    'MIME-Version: 1.0',
  ],
  ...['Content-Type: multipart/mixed; boundary=m', '', '--m'],
  ...['Content-Type: multipart/related; boundary=b', '', '--b', 'Content-Type: text/html', ''],
  '<a href="http://192.0.2.1/x">https://bank.example</a> <img src="cid:logo@x"><script>x</script>',
  ...[
    '--b',
    'Content-Type: image/png',
    'Content-ID: <logo@x>',
    'Content-Transfer-Encoding: base64',
  ],
  ...['', 'iVBORw0KGgo=', '--b--', '--m', 'Content-Type: text/html; name="a/b\\"c.html"'],
  ...[
    'Content-Disposition: attachment; filename="a/b.html"',
    '',
    '<script>x</script>',
    '--m--',
    '',
  ],
].join('\r\n');

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

class Place {
  readonly store = new CaptureStore({
    ...{ bodies: new MemoryBodies(), clock: nodeClock, countMax: 100, bytesMax: 1_000_000 },
  });
  readonly http: CaptureHttp;
  port = 0;

  constructor(names: readonly string[] = []) {
    const { store } = this;
    this.http = new CaptureHttp({ store, clock: nodeClock, probesLinks: false, names });
  }

  static async start(context: TestContext, names?: readonly string[]): Promise<Place> {
    const place = new Place(names);
    place.port = (await place.http.start({ host: '127.0.0.1', port: 0 })).port;
    context.after(() => place.http.stop());
    return place;
  }

  ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.port, path, method, headers, agent: false };
      const asking = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      asking.on('error', reject).end();
    });
  }

  async json(path: string, method = 'GET'): Promise<{ status: number; value: never }> {
    const { status, text } = await this.ask(`/api/v1/${path}`, {}, method);
    return { status, value: JSON.parse(text) as never };
  }
}

test('messages are listed, shown, searched, saved and deleted', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  const { value: list } = await place.json('messages?subject=hello&limit=5');
  assert.partialDeepStrictEqual(list, { found: 1, total: 1, isMore: false, messages: [{ id }] });
  const { value: view } = await place.json(`messages/${id}`);
  assert.partialDeepStrictEqual(view, {
    ...{ from: 'Ann <ann@news.example.org>', sender: 's@example.org', hasHtml: true },
    parts: [
      { number: 1, type: 'image/png', isInline: true },
      { number: 2, name: 'a_b.html', type: 'text/html', isInline: false },
    ],
  });
  const source = await place.ask(`/api/v1/messages/${id}/source`);
  assert.equal(source.text, newsletter);
  assert.match(String(source.headers['content-type']), /^text\/plain/);
  const saved = await place.ask(`/api/v1/messages/${id}/source?download`);
  assert.match(String(saved.headers['content-disposition']), /^attachment; filename="\d+\.eml"/);
  assert.equal((await place.json(`messages/${id}`, 'DELETE')).status, 200);
  assert.equal((await place.json(`messages/${id}`)).status, 404);
  place.store.add(envelope, Buffer.from(newsletter));
  assert.deepEqual((await place.json('messages?subject=other', 'DELETE')).value, { removed: 0 });
  assert.deepEqual((await place.json('messages', 'DELETE')).value, { removed: 1 });
});

test('a wait ends with the message, whole, or says that none came', async (context) => {
  const place = await Place.start(context);
  const waiting = place.json('wait?to=r@example.com&timeout=20');
  place.store.add(envelope, Buffer.from(newsletter));
  const { status, value } = await waiting;
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(value, { subject: 'Hello', hasHtml: true });
  const { status: none } = await place.json('wait?subject=never&timeout=0.02');
  assert.equal(none, 408);
});

test('HTML is sent to do nothing: sandboxed, nothing loaded, pictures of its own put in', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  const { headers, text } = await place.ask(`/api/v1/messages/${id}/html`);
  const policy = String(headers['content-security-policy']);
  assert.match(policy, /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/);
  assert.doesNotMatch(policy, /allow-scripts|allow-same-origin|http|script-src/);
  assert.match(text, /src="data:image\/png;base64,iVBORw0KGgo="/);
  const remote = await place.ask(`/api/v1/messages/${id}/html?remote`);
  const open = String(remote.headers['content-security-policy']);
  assert.match(open, /img-src data: https: http:/);
  assert.doesNotMatch(open, /allow-scripts|script-src|connect-src/);
});

test('parts are bytes to save, whatever they call themselves; a picture may be shown', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  const html = await place.ask(`/api/v1/messages/${id}/parts/2?inline`);
  assert.equal(html.headers['content-type'], 'application/octet-stream');
  assert.equal(
    html.headers['content-disposition'],
    `attachment; filename="a_b.html"; filename*=UTF-8''a_b.html`,
  );
  assert.match(String(html.headers['content-security-policy']), /^sandbox; default-src 'none'/);
  const picture = await place.ask(`/api/v1/messages/${id}/parts/1?inline`);
  assert.equal(picture.headers['content-type'], 'image/png');
  assert.equal(picture.headers['content-disposition'], 'inline');
  assert.equal((await place.ask(`/api/v1/messages/${id}/parts/3`)).status, 404);
});

test('checks grade header and links without following one', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  const { value } = await place.json(`messages/${id}/checks`);
  const { header, links } = value as {
    header: readonly { name: string; grade: string }[];
    links: readonly { grade: string; what: string }[];
  };
  const grades = Object.fromEntries(header.map(({ name, grade }) => [name, grade]));
  assert.partialDeepStrictEqual(grades, {
    ...{ Date: 'fault', 'Message-ID': 'fault', 'SPF alignment': 'ok', 'DMARC alignment': 'ok' },
    'List-Unsubscribe': 'notice',
  });
  assert.match(links[0]!.what, /names an address/);
  assert.equal((await place.json(`messages/${id}/checks?follow`, 'POST')).status, 403);
});

test('every answer tells a browser not to guess, keep or share', async (context) => {
  const place = await Place.start(context);
  for (const path of ['/', '/page.js', '/style.css', '/api/v1/status', '/api/v1/nothing', '/x']) {
    const { headers } = await place.ask(path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.match(String(headers['content-security-policy']), /default-src 'none'/, path);
    assert.equal(headers['access-control-allow-origin'], undefined, path);
  }
  const page = await place.ask('/');
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /script-src 'self'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.doesNotMatch(page.text, /<script(?![^>]* src=)|\son\w+=|style=/);
});

test('names that a stranger may point here are refused, others are not', async (context) => {
  const place = await Place.start(context, ['mail.dev.example']);
  const status = async (host: string) => (await place.ask('/api/v1/status', { host })).status;
  for (const host of [
    '127.0.0.1:8025',
    'localhost:1',
    'sink:8025',
    '[::1]:80',
    'mail.dev.example',
  ]) {
    assert.equal(await status(host), 200, host);
  }
  for (const host of [
    'evil.example',
    'evil.example:8025',
    '127.0.0.1.evil.example',
    'x.dev.example',
  ]) {
    assert.equal(await status(host), 421, host);
  }
});

test('pages of other sites neither read nor delete', async (context) => {
  const place = await Place.start(context);
  place.store.add(envelope, Buffer.from(newsletter));
  const foreign: readonly Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: `http://127.0.0.1:1` },
  ];
  for (const headers of foreign) {
    assert.equal((await place.ask('/api/v1/messages', headers, 'DELETE')).status, 403);
    assert.equal((await place.ask('/api/v1/messages', headers)).status, 403);
  }
  assert.equal(place.store.count, 1);
  const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  assert.equal((await place.ask('/', visit)).status, 200);
  assert.equal((await place.ask('/api/v1/messages', visit)).status, 403);
  const own = { origin: `http://127.0.0.1:${place.port}`, 'sec-fetch-site': 'same-origin' };
  assert.equal((await place.ask('/api/v1/messages', own, 'DELETE')).status, 200);
});

test('watchers hear of what comes and goes', async (context) => {
  const place = await Place.start(context);
  const events = await fetch(`http://127.0.0.1:${place.port}/api/v1/events`);
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  const id = place.store.add(envelope, Buffer.from(newsletter));
  await place.store.settled();
  place.store.removeOne(id);
  let text = '';
  while (!text.includes('event: removed')) text += (await reader.read()).value ?? '';
  assert.match(text, /event: added\ndata: \{.*"subject":"Hello".*\}\n\n/);
  assert.match(text, new RegExp(`event: removed\\ndata: \\{"ids":\\["${id}"\\]\\}`));
  await reader.cancel();
});

test('what is no request of the API says what there is', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  for (const [path, method, status] of [
    ['nothing', 'GET', 404],
    ['messages', 'POST', 405],
    [`messages/${id}/nothing`, 'GET', 404],
    ['messages/../../etc', 'GET', 404],
    [`messages/${id}/parts/x`, 'GET', 404],
    ['status', 'DELETE', 405],
  ] as const) {
    const answer = await place.json(path, method);
    assert.equal(answer.status, status, path);
    assert.match((answer.value as { error: string }).error, /\w/);
  }
});

test('links are followed by POST only, which other sites cannot send', async (context) => {
  const place = await Place.start(context);
  const id = place.store.add(envelope, Buffer.from(newsletter));
  const path = `messages/${id}/checks?follow`;
  assert.equal((await place.json(path)).status, 405);
  // This sink was started without --follow-links.
  assert.equal((await place.json(path, 'POST')).status, 403);
  assert.equal((await place.json(`messages/${id}`, 'POST')).status, 405);
});

test('who went away waits no longer, and who finds too many waiting is told', async (context) => {
  const place = await Place.start(context);
  const path = '/api/v1/wait?subject=never&timeout=60';
  const waits = Array.from({ length: 100 }, () => {
    const asking = request({ host: '127.0.0.1', port: place.port, path, agent: false });
    asking.on('error', () => {}).end();
    return asking;
  });
  const answer = async () => (await place.json('wait?subject=never&timeout=0.01')).status;
  while ((await answer()) !== 503) await nextTurn();
  for (const asking of waits) asking.destroy();
  while ((await answer()) !== 408) await nextTurn();
  assert.equal(await answer(), 408);
});
