/**
 * Aim: while PostgreSQL is away, log-ins of each kind go on and mail comes in; what must be written is refused;
 *      nothing is lost and nothing is doubled once it is back.
 * Method: the whole server on Debian's PostgreSQL, which is stopped in its tracks (SIGSTOP), or killed (SIGKILL) and
 *         started again, under log-ins by password, app password and SCRAM, and mail by LMTP. `AWAY_SECONDS` is how
 *         long it is away each time: 3, or 60 by hand. Skipped, and said, without PostgreSQL.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { ImapClient } from '../support/imap-client.ts';
import { deliverByLmtp } from '../support/lmtp-delivery.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { ScramClient } from '../support/scram-client.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const awayMs = Number(process.env.AWAY_SECONDS ?? 3) * 1_000;
const password = 'correct horse';
/** Between two of one kind. */
const pauseMs = 50;
/** A log-in waits for no database: what it takes is this machine's. */
const logInMsMax = 3_000;

const kinds = ['password', 'app password', 'SCRAM'] as const;
type Kind = (typeof kinds)[number];

interface Tried {
  readonly kind: Kind;
  readonly isIn: boolean;
  readonly tookMs: number;
}

async function logIn(port: number, kind: Kind, secret: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    const say = sayer(socket);
    await say('');
    const user = `${kind === 'app password' ? 'bob' : 'ann'}@here.test`;
    if (kind !== 'SCRAM') return (await say(`a LOGIN ${user} "${secret}"`)).startsWith('a OK');
    const client = new ScramClient({ hash: 'sha256', user, password: secret });
    await say('a AUTHENTICATE SCRAM-SHA-256');
    const first = await say(client.first().toString('base64'));
    const challenge = Buffer.from(first.slice(2), 'base64').toString();
    const final = await say(client.final(challenge).toString('base64'));
    if (!final.startsWith('+')) return false;
    return (await say('')).startsWith('a OK');
  } finally {
    socket.destroy();
  }
}

/** Says a line, if any, and answers the next one. */
function sayer(socket: TLSSocket) {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return async (text: string): Promise<string> => {
    if (text !== '' || isGreeted.has(socket)) socket.write(`${text}\r\n`);
    isGreeted.add(socket);
    return String((await lines.next()).value);
  };
}
const isGreeted = new WeakSet<TLSSocket>();

function p99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0);
}

describe('a server whose PostgreSQL is away', needsPostgres(), () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  async function startOn(database: string): Promise<TestServer> {
    const { host, user } = server.address(database);
    return startTestServer({
      ...{ 'directory.kind': 'postgres', 'directory.postgres.host': host },
      ...{ 'directory.postgres.database': database, 'directory.postgres.user': user },
      'listen.imaps': '127.0.0.1:0',
    });
  }

  async function takenAway(
    t: TestContext,
    takeAway: () => Promise<void> | void,
    giveBack: () => Promise<void> | void,
  ) {
    const database = await server.createDatabase();
    await using test = await startOn(database);
    const port = test.ports.imaps!;
    await test.call('tenant.create', { name: 'acme' });
    await test.call('policy.set', { tenant: 'acme', allowsScram: true });
    await test.call('domain.create', { name: 'here.test', tenant: 'acme' });
    for (const name of ['ann', 'bob']) {
      await test.call('account.create', { address: `${name}@here.test`, password });
    }
    const { password: secret } = await test.call('app-password.create', {
      ...{ address: 'bob@here.test', name: 'phone', scopes: ['imap'] },
    });
    const secrets = { password, 'app password': secret, SCRAM: password };
    for (const kind of kinds) assert.ok(await logIn(port, kind, secrets[kind]), kind);

    const tried: Tried[] = [];
    const taken: string[] = [];
    const refusals: { readonly code: string; readonly message: string; readonly tookMs: number }[] =
      [];
    const made: string[] = [];
    let isOver = false;
    const logIns = kinds.map(async (kind) => {
      while (!isOver) {
        const startMs = performance.now();
        const isIn = await logIn(port, kind, secrets[kind]).catch(() => false);
        tried.push({ kind, isIn, tookMs: performance.now() - startMs });
        await sleep(pauseMs);
      }
    });
    const mail = (async () => {
      for (let number = 1; !isOver; number++) {
        await deliverByLmtp(test.ports.lmtp!, 'ann@here.test', `Subject: ${number}\r\n\r\ntext`);
        taken.push(`${number}`);
        await sleep(pauseMs);
      }
    })();
    const writes = (async () => {
      for (let number = 1; !isOver; number++) {
        const address = `new${number}@here.test`;
        const startMs = performance.now();
        await test.call('account.create', { address }).then(
          () => made.push(address),
          ({ code, message }) => {
            refusals.push({ code, message, tookMs: performance.now() - startMs });
          },
        );
        await sleep(250);
      }
    })();

    await takeAway();
    try {
      await sleep(awayMs);
    } finally {
      isOver = true;
      await Promise.all([...logIns, mail, writes]);
      await giveBack();
    }
    for (const kind of kinds) {
      const own = tried.filter((one) => one.kind === kind);
      const inCount = own.filter(({ isIn }) => isIn).length;
      const slowMs = p99(own.map(({ tookMs }) => tookMs));
      t.diagnostic(`${kind}: ${inCount} of ${own.length} log-ins, p99 ${slowMs} ms`);
      assert.ok(own.length > 0 && inCount === own.length, `${kind}: ${inCount} of ${own.length}`);
      assert.ok(slowMs < logInMsMax, `${kind}: p99 ${slowMs} ms`);
    }
    t.diagnostic(`${taken.length} messages taken, ${refusals.length} changes refused`);
    assert.ok(taken.length > 0 && refusals.length > 0);
    assert.deepEqual(made, []);
    for (const { code, message } of refusals) {
      assert.equal(code, 'store-busy');
      assert.match(message, /nothing was changed, try again later/);
    }
    // Who found it waited for an answer; nobody after that.
    const slowCount = refusals.filter(({ tookMs }) => tookMs > 1_500).length;
    assert.ok(slowCount <= 1, `${slowCount} refusals came late`);

    await eventually('changes are taken again', () =>
      test.call('account.create', { address: 'late@here.test' }).catch(() => undefined),
    );
    const rows = await server.psql(database, 'SELECT address FROM chaski.account ORDER BY id');
    assert.deepEqual(rows.split('\n'), ['ann@here.test', 'bob@here.test', 'late@here.test']);
    assert.deepEqual(await subjects(test, port), taken);
  }

  it('that answers nothing any more keeps log-ins and mail going, and loses nothing', (t) =>
    takenAway(
      t,
      () => server.pause(),
      () => server.resume(),
    ));

  it('that is killed keeps log-ins and mail going, and loses nothing', (t) =>
    takenAway(
      t,
      () => server.kill(),
      () => server.start(),
    ));
});

/** Of ann's mail, in order. */
async function subjects(test: TestServer, port: number): Promise<readonly string[]> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const client = new ImapClient(socket);
  await client.response();
  await client.ok(`LOGIN ann@here.test "${password}"`);
  await client.ok('SELECT INBOX');
  const { untagged } = await client.ok('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
  client.destroy();
  assert.ok(test.ports.imaps === port);
  return untagged.flatMap(
    (response) => /Subject: (\d+)/.exec(JSON.stringify(response) ?? '')?.[1] ?? [],
  );
}
