/** Aim: a message by HTTP is a message as any. Method: the real server, a next hop, and requests of programs. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { messageSchema } from '../../src/edge/protocols/http/api/schema.ts';
import { type ApiWorld, startApiWorld } from '../support/api-world.ts';
import { eventually } from '../support/test-server.ts';

const from = 'Shop <shop@acme.test>';
const to = 'ann@far.test';
const plain = { from, to, subject: 'Hello', text: 'text' };

describe('POST /api/v1/messages', () => {
  let world: ApiWorld;
  before(async () => {
    world = await startApiWorld({ 'smtp.messageBytesMax': '1MiB', 'smtp.recipientsMax': '100' });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
  });

  async function taken(subject: string) {
    return await eventually(`the message ${subject}`, () =>
      world.hop.messages.find(({ content }) => content.includes(`Subject: ${subject}\r\n`)),
    );
  }

  it('takes a message as JSON, signs it and sends it on', async () => {
    const { status, value } = await world.call({
      body: {
        ...plain,
        subject: 'Whole',
        cc: { address: 'bob@far.test', name: 'Bob Ünder' },
        bcc: ['Cy <cyd@far.test>'],
        replyTo: 'help@far.test',
        html: '<p>text</p>',
        headers: { 'X-Order': '17' },
        attachments: [{ filename: 'a.txt', content: Buffer.from('attached').toString('base64') }],
      },
    });
    assert.equal(status, 202);
    const [id] = value.ids;
    const { sender, recipients, content } = await taken('Whole');
    assert.equal(sender, 'shop@acme.test');
    assert.deepEqual(recipients, ['ann@far.test', 'bob@far.test', 'cyd@far.test']);
    const header = content.slice(0, content.indexOf('\r\n\r\n')).replace(/\r\n[\t ]+/g, ' ');
    assert.match(header, /^From: Shop <shop@acme\.test>$/m);
    assert.match(header, /^Cc: =\?UTF-8\?.*\?= <bob@far\.test>$/m);
    assert.doesNotMatch(header, /cyd@/);
    assert.match(header, /^X-Order: 17$/m);
    assert.match(header, /^DKIM-Signature: .*d=acme\.test;/m);
    assert.match(header, new RegExp(`^Message-ID: <${id}@mx\\.test>$`, 'm'));
    assert.match(header, new RegExp(`^Received: .* with HTTP id ${id};`, 'm'));
    assert.match(content, new RegExp(`\\r\\n${Buffer.from('attached').toString('base64')}\\r\\n`));
    assert.doesNotMatch(content, /[^\r]\n|\r[^\n]/);
  });

  it('takes a message whole, with its envelope in the query', async () => {
    const whole = 'From: shop@acme.test\nSubject: Raw\nBcc: cyd@far.test\n\none\ntwo';
    const path = '/api/v1/messages?from=bounce%40acme.test&to=ann%40far.test&to=bob%40far.test';
    const { status, value } = await world.call({ path, body: whole });
    assert.equal(status, 202, JSON.stringify(value));
    const { sender, recipients, content } = await taken('Raw');
    assert.equal(sender, 'bounce@acme.test');
    assert.deepEqual(recipients, ['ann@far.test', 'bob@far.test']);
    assert.match(content, /\r\n\r\none\r\ntwo\r\n$/);
    assert.doesNotMatch(content, /cyd@/);
  });

  it('takes a message of many kilobytes, whose text goes by a file', async () => {
    const content = Buffer.alloc(400_000, 'x').toString('base64');
    const { status } = await world.call({
      body: { ...plain, subject: 'Large', attachments: [{ filename: 'x.bin', content }] },
    });
    assert.equal(status, 202);
    assert.ok((await taken('Large')).content.length > 500_000);
  });

  it('says where the fault is', async () => {
    const faults: [unknown, string][] = [
      [{ ...plain, from: undefined }, '/from'],
      [{ ...plain, from: 'nobody' }, '/from'],
      [{ ...plain, from: 'a@acme.test, b@acme.test' }, '/from'],
      [{ ...plain, to: ['a@far.test', 'no address'] }, '/to/1'],
      [{ ...plain, to: [] }, '/to'],
      [{ ...plain, to: undefined }, '/to'],
      [{ ...plain, cc: 'nobody@acme.test' }, '/cc'],
      [{ ...plain, text: undefined }, ''],
      [{ ...plain, text: 7 }, '/text'],
      [{ ...plain, other: 1 }, '/other'],
      [{ ...plain, subject: 'a\r\nBcc: eve@far.test' }, '/subject'],
      [{ ...plain, headers: { 'X-A': 'b\nBcc: eve@far.test' } }, '/headers/X-A'],
      [{ ...plain, headers: { Sender: 'eve@far.test' } }, '/headers/Sender'],
      [{ ...plain, headers: { 'Content-Type': 'text/html' } }, '/headers/Content-Type'],
      [{ ...plain, attachments: [{ filename: 'a', content: '*' }] }, '/attachments/0/content'],
      [
        { ...plain, attachments: [{ filename: 'a', path: '/etc/passwd', content: '' }] },
        '/attachments/0/path',
      ],
      [{ ...plain, priority: 10 }, '/priority'],
      [{ ...plain, campaign: 'a b' }, '/campaign'],
      [{ ...plain, sendAt: '2999-01-01T00:00:00Z' }, '/sendAt'],
    ];
    for (const [body, path] of faults) {
      const { status, value } = await world.call({ body });
      assert.deepEqual([status, value.error?.path ?? ''], [400, path], JSON.stringify(body));
    }
    for (const body of ['[', '']) {
      const headers = { 'content-type': 'application/json' };
      assert.equal((await world.call({ body, headers })).status, 400, body);
    }
    for (const body of ['From: a@acme.test\r\n\r\nbare\nline\r\n', 'a: b\r\n\r\nc\rd\r\n']) {
      const path = '/api/v1/messages?from=a%40acme.test&to=ann%40far.test';
      const { status, value } = await world.call({ path, body });
      assert.deepEqual([status, value.error.code], [400, 'newline-bare'], body);
    }
    const bare = await world.call({ body: 'a: b\r\n\r\nc\r\n' });
    assert.deepEqual([bare.status, bare.value.error.path], [400, '/query/from']);
  });

  it('is for those who have a key', async () => {
    for (const key of ['', 'chaski_1_x', `${world.key.slice(0, -1)}!`]) {
      const { status, headers } = await world.call({ key, body: plain });
      assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer'], key);
    }
  });

  it('sends for domains of the key’s tenant only', async () => {
    const asked: [unknown, string][] = [
      [{ ...plain, from: 'shop@other.test' }, '/from'],
      [{ ...plain, from: 'shop@far.test' }, '/from'],
      [{ ...plain, returnPath: 'shop@other.test' }, '/returnPath'],
    ];
    for (const [body, path] of asked) {
      const { status, value } = await world.call({ body });
      assert.deepEqual([status, value.error.path], [403, path], JSON.stringify(body));
    }
    assert.equal((await world.call({ key: world.otherKey, body: plain })).status, 403);
    const path = '/api/v1/messages?from=a%40acme.test&to=ann%40far.test';
    for (const field of ['From', 'Sender', 'Resent-From']) {
      const body = `${field === 'From' ? '' : 'From: a@acme.test\r\n'}${field}: x@other.test\r\n\r\nx\r\n`;
      const { status, value } = await world.call({ path, body });
      assert.deepEqual([status, value.error.code], [403, 'sender-not-allowed'], field);
    }
  });

  it('refuses what is too large, of no stated length, or of another type', async () => {
    const content = Buffer.alloc(1_000_000).toString('base64');
    const large = { ...plain, attachments: [{ filename: 'x', content }] };
    assert.equal((await world.call({ body: large })).status, 413);
    const larger = { ...plain, text: 'x'.repeat(3_000_000) };
    assert.equal((await world.call({ body: larger })).status, 413);
    const recipients = Array.from({ length: 101 }, (_, i) => `u${i}@far.test`);
    const many = await world.call({ body: { ...plain, to: recipients } });
    assert.deepEqual([many.status, many.value.error.code], [400, 'recipients-too-many']);
    const typed = await world.call({ body: plain, headers: { 'content-type': 'text/xml' } });
    assert.equal(typed.status, 415);
    const response = await fetch(`http://127.0.0.1:${world.test.ports.http}/api/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.key}`, 'content-type': 'application/json' },
      body: new Blob([JSON.stringify(plain)]).stream(),
      duplex: 'half',
    } as RequestInit);
    assert.equal(response.status, 411);
    assert.equal((await world.call({ path: '/api/v1/nothing', body: plain })).status, 404);
  });

  it('holds a key to its rate, and says when to come again', async () => {
    const { secret: key } = await world.test.call('key.create', {
      ...{ tenant: 'acme', scopes: ['send'], messagesPerMinuteMax: 2 },
    });
    const statuses = [];
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await world.call({ key, body: plain });
      statuses.push(status);
      if (status === 429) assert.match(headers.get('retry-after') ?? '', /^(?:[12]?\d|30)$/);
    }
    assert.deepEqual(statuses, [202, 202, 429]);
  });
});

describe('a message by HTTP', () => {
  let world: ApiWorld;
  before(async () => {
    const busy = (command: string) =>
      /^RCPT.*@busy\.test/.test(command) ? '451 4.7.1 Later' : undefined;
    world = await startApiWorld({}, busy);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
  });

  const look = async (id: string, key?: string) =>
    await world.call({
      method: 'GET',
      path: `/api/v1/messages/${id}`,
      ...(key === undefined ? {} : { key }),
    });
  const cancel = async (id: string, key?: string) =>
    await world.call({
      method: 'DELETE',
      path: `/api/v1/messages/${id}`,
      ...(key === undefined ? {} : { key }),
    });
  const send = async (more: object) => {
    const { status, value } = await world.call({ body: { ...plain, ...more } });
    assert.equal(status, 202, JSON.stringify(value));
    return value.ids[0]!;
  };
  interface Recipient {
    readonly address: string;
    readonly state: string;
    readonly attempts: number;
    readonly reply: string;
  }
  const inState = async (id: string, state: string) =>
    await eventually(`${id} to be ${state}`, async () => {
      const recipients = (await look(id)).value.recipients as readonly Recipient[] | undefined;
      return recipients?.find((each) => each.state === state);
    });

  it('tells what became of it, to its tenant alone', async () => {
    const sent = await send({ to });
    const delivered = await inState(sent, 'delivered');
    assert.equal(delivered.address, to);
    assert.match(delivered.reply, /^250 /);
    const deferred = await send({ to: 'ann@busy.test' });
    await eventually('a first attempt', async () => {
      const [one] = (await look(deferred)).value.recipients as readonly Recipient[];
      return one?.attempts === 1 && one.reply.startsWith('451 4.7.1') ? one : undefined;
    });
    for (const id of [sent, deferred, '0000000000000000', 'nothing']) {
      for (const ask of [look, cancel]) {
        assert.equal((await ask(id, world.otherKey)).status, 404, id);
      }
    }
  });

  it('waits until `sendAt`, and can be cancelled until then', async () => {
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const id = await send({ sendAt, subject: 'Scheduled' });
    const [one] = (await look(id)).value.recipients as readonly (Recipient & {
      nextAttemptAt: string;
    })[];
    assert.deepEqual([one?.state, one?.nextAttemptAt], ['waiting', sendAt]);
    assert.equal((await cancel(id)).status, 200);
    assert.equal((await inState(id, 'cancelled')).reply, '554 5.7.0 Cancelled by its sender');
    assert.equal((await cancel(id)).status, 409);
    const { entries } = await world.test.call('queue.list', { limit: 100 });
    assert.ok(entries.every((entry) => entry.id !== id));
    assert.ok(world.hop.messages.every(({ content }) => !content.includes('Subject: Scheduled')));
  });

  it('that waits for another try can be cancelled; one that is delivered cannot', async () => {
    const deferred = await send({ to: 'bob@busy.test' });
    await eventually('a first attempt', async () => {
      const [one] = (await look(deferred)).value.recipients as readonly Recipient[];
      return one?.attempts === 1 && one.state === 'waiting' ? one : undefined;
    });
    assert.equal((await cancel(deferred)).status, 200);
    const sent = await send({});
    await inState(sent, 'delivered');
    assert.equal((await cancel(sent)).status, 409);
  });

  it('may be one of a batch, with texts of its own', async () => {
    const { status, value } = await world.call({
      body: {
        from,
        subject: 'Batch for {{name}}',
        text: 'Dear {{ name }}, {{sum}}',
        html: '<b>{{name}}</b>',
        recipients: [
          { to: 'Ann <ann@far.test>', variables: { name: 'Ann', sum: '1' } },
          { to: 'bob@far.test', variables: { name: '<Bob & {{sum}}>', sum: '2' } },
        ],
      },
    });
    assert.equal(status, 202, JSON.stringify(value));
    assert.equal(new Set(value.ids).size, 2);
    const texts = await eventually('both', () => {
      const found = world.hop.messages.filter(({ content }) => content.includes('Subject: Batch'));
      return found.length === 2 ? found : undefined;
    });
    const ann = texts.find(({ recipients }) => recipients[0] === 'ann@far.test')!;
    assert.deepEqual(ann.recipients, ['ann@far.test']);
    assert.match(ann.content, /^To: Ann <ann@far\.test>\r$/m);
    assert.match(ann.content, /\r\n\r\nDear Ann, 1\r\n/);
    const bob = texts.find(({ recipients }) => recipients[0] === 'bob@far.test')!;
    assert.match(bob.content, /Subject: Batch for <Bob & \{\{sum\}\}>/);
    assert.match(bob.content, /<b>&lt;Bob &amp; \{\{sum\}\}&gt;<\/b>/);
  });

  it('of a batch is refused with all others where one could not be made', async () => {
    const count = world.hop.messages.length;
    const one = (more: object) => ({ from, text: '{{name}}', recipients: [more] });
    const good = { to: 'ann@far.test', variables: { name: 'A' } };
    const faults: [object, number, string][] = [
      [one({ to: 'ann@far.test' }), 400, '/recipients/0/variables/name'],
      [{ ...one(good), recipients: [good, { to }] }, 400, '/recipients/1/variables/name'],
      [{ ...one(good), recipients: [good, { ...good, to: 'x' }] }, 400, '/recipients/1/to'],
      [{ ...one(good), to }, 400, '/recipients'],
      [{ ...one(good), recipients: Array(1_001).fill(good) }, 400, '/recipients'],
      [one({ to, variables: { name: 7 } }), 400, '/recipients/0/variables/name'],
      [
        { ...one({ to, variables: { name: 'a\nb' } }), subject: '{{name}}' },
        400,
        '/recipients/0/variables/name',
      ],
      [
        { ...one(good), recipients: [{ to: 'nobody@acme.test', variables: { name: '' } }] },
        400,
        '/recipients/0/to',
      ],
    ];
    for (const [body, wanted, path] of faults) {
      const { status, value } = await world.call({ body });
      assert.deepEqual(
        [status, value.error?.path],
        [wanted, path],
        JSON.stringify(body).slice(0, 200),
      );
    }
    const text = 'x'.repeat(300_000);
    const large = { ...one(good), text, recipients: Array(1_000).fill(good) };
    assert.equal((await world.call({ body: large })).status, 413);
    assert.equal(world.hop.messages.length, count);
  });

  it('is described by an OpenAPI document that needs no key', async () => {
    const url = `http://127.0.0.1:${world.test.ports.http}/api/openapi.json`;
    const { openapi, paths, components } = (await (await fetch(url)).json()) as {
      readonly openapi: string;
      readonly paths: Record<string, object>;
      readonly components: { readonly schemas: { readonly Message: unknown } };
    };
    assert.equal(openapi, '3.1.0');
    const routes = Object.entries(paths).map(([path, methods]) => [path, Object.keys(methods)]);
    // Acts and tokens follow: `admin-api.test.ts`.
    assert.deepEqual(routes.slice(0, 12), [
      ['/api/v1/messages', ['post']],
      ['/api/v1/suppressions', ['get', 'post', 'delete']],
      ['/api/v1/events', ['get']],
      ['/api/v1/webhooks', ['get', 'post']],
      ['/api/v1/webhooks/{id}', ['delete']],
      ...['pause', 'resume', 'replay', 'rotate'].map((act) => [
        `/api/v1/webhooks/{id}/${act}`,
        ['post'],
      ]),
      ['/api/v1/batches', ['get']],
      ['/api/v1/batches/{id}', ['get', 'delete']],
      ['/api/v1/messages/{id}', ['get', 'delete']],
    ]);
    assert.deepEqual(components.schemas.Message, messageSchema);
  });
});

it('is served on loopback, or on the API’s own listener alone', async () => {
  await using world = await startApiWorld({ 'api.listen': '127.0.0.1:0' });
  const { api, http } = world.test.ports;
  assert.equal((await fetch(`http://127.0.0.1:${http}/api/openapi.json`)).status, 404);
  const answer = await fetch(`http://127.0.0.1:${api}/api/openapi.json`);
  assert.equal(answer.status, 200);
  assert.equal((await fetch(`http://127.0.0.1:${api}/healthz`)).status, 404);
});

it('without room for a message the API says so, and when to come again', async () => {
  await using world = await startApiWorld({
    'memory.receivingBytesMax': '8MiB',
    'smtp.messageBytesMax': '8MiB',
  });
  const attachments = [{ filename: 'x', content: Buffer.alloc(7_000_000).toString('base64') }];
  const { status, headers } = await world.call({ body: { ...plain, attachments } });
  assert.equal(status, 503);
  assert.ok(Number(headers.get('retry-after')) > 0);
  assert.equal((await world.call({ body: plain })).status, 202);
});
