/**
 * Aim: several servers, and people with psql, change one directory in PostgreSQL; and it goes away and comes back.
 * Method: Debian's PostgreSQL in a folder of its own, killed and started again; skipped, and said, without it.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openPostgresIdentity } from '../../src/adapters/postgres/account-directory.ts';
import { defaultTenant } from '../../src/base/ids.ts';
import type { DirectoryChange } from '../../src/ports/account-directory.ts';
import type { Identity } from '../../src/ports/identity.ts';
import { accountRow, domainRow } from '../contracts/directory-rows.ts';
import { ImapClient } from '../support/imap-client.ts';
import { needsPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const noticeMsMax = 1_000;

const hearsOf = async (identity: Identity, name: string) =>
  (await identity.directory.domain(name)) === undefined ? undefined : true;

describe('a directory in PostgreSQL that others use too', needsPostgres(), () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  /** As many servers' directories on one database. */
  async function sharers(count: number) {
    const database = await server.createDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'directory-shared-'));
    const open = (number: number) =>
      openPostgresIdentity({
        ...{ address: server.address(database), path: join(folder, `${number}`), shards: 4 },
      });
    const identities: Identity[] = [];
    for (let number = 0; number < count; number++) identities.push(await open(number));
    return {
      ...{ database, folder, identities, open },
      async [Symbol.asyncDispose]() {
        for (const { directory } of identities) await directory.close();
        rmSync(folder, { recursive: true });
      },
    };
  }

  async function within<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const startMs = performance.now();
    const found = await eventually('the other one hears', look);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < noticeMsMax, `heard after ${tookMs} ms`);
    return found;
  }

  it('brings what one server wrote to the other one within a second, and tells its listeners', async () => {
    await using world = await sharers(2);
    const [one, two] = world.identities as [Identity, Identity];
    const heard: DirectoryChange[] = [];
    two.directory.subscribe((change) => heard.push(change));
    await one.directory.putDomain(domainRow('here.test'));
    const ann = await one.directory.createAccount(accountRow('ann@here.test'));
    await within(async () => await two.directory.accountById(ann.id));
    assert.deepEqual(
      await two.directory.resolve('ann', 'here.test'),
      await one.directory.resolve('ann', 'here.test'),
    );
    await one.directory.putAccount({ ...ann, isEnabled: false });
    await within(async () =>
      (await two.directory.accountById(ann.id))!.isEnabled ? undefined : true,
    );
    assert.deepEqual((await two.directory.resolve('ann', 'here.test')).kind, 'disabled');
    assert.ok(heard.some((change) => change.kind === 'account' && change.id === ann.id));
  });

  it('decides again what another server overtook: no number is given twice, no name to two', async () => {
    await using world = await sharers(3);
    const [first] = world.identities as [Identity];
    await first.directory.putDomain(domainRow('here.test'));
    for (const other of world.identities) await within(() => hearsOf(other, 'here.test'));
    const made = await Promise.allSettled(
      world.identities.flatMap(({ directory }, server) =>
        [0, 1, 2, 3].flatMap((number) => [
          directory.createAccount(accountRow(`own${server}.${number}@here.test`)),
          directory.createAccount(accountRow(`same${number}@here.test`)),
        ]),
      ),
    );
    const accounts = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    assert.equal(accounts.length, 16);
    assert.deepEqual(refused, Array(8).fill('already-exists'));
    assert.equal(new Set(accounts.map(({ id }) => id)).size, 16);
    assert.equal(new Set(accounts.map(({ address }) => address)).size, 16);
  });

  it('has one key for tokens, whichever servers start at once', async () => {
    await using world = await sharers(3);
    const terms = { newestBeforeMs: 100, keptAfterMs: 0 };
    const answers = await Promise.all(
      world.identities.map(({ credentials }, number) =>
        credentials.addTokenKey({ id: `k${number}`, privatePem: 'pem', createdMs: 500 }, terms),
      ),
    );
    assert.equal(answers[0]!.length, 1);
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    for (const { credentials } of world.identities) {
      await within(async () => ((await credentials.tokenKeys()).length === 1 ? true : undefined));
      assert.deepEqual(await credentials.tokenKeys(), answers[0]);
    }
  });

  it('hears of rows changed by psql, and shows accounts, domains and aliases there', async () => {
    await using world = await sharers(1);
    const [{ directory }] = world.identities as [Identity];
    await directory.putDomain(domainRow('here.test'));
    const ann = await directory.createAccount(accountRow('ann@here.test'));
    await directory.putAlias({
      ...{
        address: 'info@here.test',
        tenant: defaultTenant,
        targets: ['ann@here.test', 'x@there.test'],
      },
    });
    const ask = (text: string) => server.psql(world.database, text);
    assert.equal(
      await ask('SELECT id, address, is_enabled FROM chaski.account'),
      `${ann.id}|ann@here.test|t`,
    );
    assert.equal(await ask('SELECT name, tenant FROM chaski.domain'), 'here.test|0');
    assert.equal(
      await ask('SELECT address, targets FROM chaski.alias'),
      'info@here.test|{ann@here.test,x@there.test}',
    );
    await ask(
      `UPDATE chaski.row SET value = jsonb_set(value::jsonb, '{quotaBytes}', '4096')::json
       WHERE key >= 'a' AND key < 'b' AND value->>'address' = 'ann@here.test'`,
    );
    const seen = async () => (await directory.accountById(ann.id))!.quotaBytes === 4_096;
    await within(async () => ((await seen()) ? true : undefined));
    await ask('TRUNCATE chaski.row');
    await within(() => (directory.accountById(ann.id) === undefined ? true : undefined));
  });

  it('refuses a schema that is newer than the program, and runs none of its migrations twice', async () => {
    await using world = await sharers(1);
    await (await world.open(1)).directory.close();
    const count = () =>
      server.psql(world.database, 'SELECT count(*), max(number) FROM chaski.migration');
    assert.equal(await count(), '2|2');
    await server.psql(world.database, `INSERT INTO chaski.migration VALUES (999, 'of later')`);
    await assert.rejects(world.open(2), { code: 'not-possible-now', message: /migration 999/ });
    await assert.rejects(world.open(1), { code: 'not-possible-now', message: /migration 999/ });
  });

  it('catches up by what changed while it was stopped, and reads all rows of another database', async () => {
    await using world = await sharers(1);
    const [one] = world.identities as [Identity];
    const two = await world.open(1);
    await one.directory.putDomain(domainRow('here.test'));
    await within(() => hearsOf(two, 'here.test'));
    await two.directory.close();
    await one.directory.putDomain(domainRow('there.test'));
    await one.directory.deleteDomain('here.test');
    const again = await world.open(1);
    const names = async () => (await again.directory.domains()).map(({ name }) => name);
    assert.deepEqual(await names(), ['there.test']);
    await server.psql(world.database, 'UPDATE chaski.state SET id = gen_random_uuid()');
    await one.directory.putDomain(domainRow('third.test'));
    await within(() => hearsOf(again, 'third.test'));
    assert.deepEqual(await names(), ['there.test', 'third.test']);
    await again.directory.close();
  });

  it('gives no number again after the database was set back, whoever knows it', async () => {
    await using world = await sharers(1);
    const [one] = world.identities as [Identity];
    await one.directory.putDomain(domainRow('here.test'));
    const ask = (text: string) => server.psql(world.database, text);
    await ask('CREATE TABLE kept AS SELECT * FROM chaski.row');
    const setBack = `DELETE FROM chaski.row; INSERT INTO chaski.row SELECT * FROM kept;
      UPDATE chaski.state SET id = gen_random_uuid()`;
    const ids: number[] = [];
    for (const name of ['ann', 'bob']) {
      ids.push((await one.directory.createAccount(accountRow(`${name}@here.test`))).id);
    }
    await ask(setBack);
    await eventually('the copy is set back', () =>
      one.directory.accountByAddress('bob@here.test') === undefined ? true : undefined,
    );
    ids.push((await one.directory.createAccount(accountRow('eve@here.test'))).id);
    await one.directory.close();
    world.identities.length = 0;
    await ask(setBack);
    // Only its copy knows.
    const again = await world.open(0);
    ids.push((await again.directory.createAccount(accountRow('fay@here.test'))).id);
    await again.directory.close();
    assert.deepEqual(ids, [1, 2, 3, 4]);
  });

  it('starts on its copy without the database, and says what is missing where there is no copy', async () => {
    await using world = await sharers(1);
    const two = await world.open(1);
    await two.directory.putDomain(domainRow('here.test'));
    await two.directory.close();
    await server.stop();
    try {
      await assert.rejects(world.open(2), { code: 'not-possible-now', message: /no copy/ });
      const away = await world.open(1);
      assert.equal(await away.directory.isLocalDomain('here.test'), true);
      await assert.rejects(away.directory.putDomain(domainRow('there.test')), {
        ...{ code: 'store-busy', message: /nothing was changed, try again later/ },
      });
      await away.directory.close();
    } finally {
      await server.start();
    }
  });

  it('keeps log-ins going while the database is away, refuses changes, and loses none', async () => {
    const database = await server.createDatabase();
    const { host, user } = server.address(database);
    await using test = await startTestServer({
      ...{ 'directory.kind': 'postgres', 'directory.postgres.host': host },
      ...{ 'directory.postgres.database': database, 'directory.postgres.user': user },
      'listen.imap': '127.0.0.1:0',
    });
    const password = 'correct horse';
    const create = (name: string) =>
      test.call('account.create', { address: `${name}@here.test`, password });
    const logIn = async (name: string) => {
      const client = await ImapClient.connect(test.ports.imap!);
      await client.response();
      await client.ok('STARTTLS');
      await client.startTls();
      const { tagged } = await client.run(`LOGIN ${name}@here.test "${password}"`);
      client.destroy();
      return tagged.name;
    };
    await test.call('domain.create', { name: 'here.test' });
    await create('ann');
    await create('bob');
    assert.equal(await logIn('ann'), 'OK');
    await server.stop();
    try {
      assert.equal(await logIn('ann'), 'OK');
      assert.equal(await logIn('bob'), 'OK');
      await assert.rejects(create('eve'), { code: 'store-busy', message: /try again later/ });
      assert.equal(await logIn('eve'), 'NO');
    } finally {
      await server.start();
    }
    await eventually('changes are taken again', () => create('eve').catch(() => undefined));
    assert.equal(await logIn('eve'), 'OK');
    const rows = await server.psql(database, 'SELECT address FROM chaski.account ORDER BY id');
    assert.deepEqual(rows.split('\n'), ['ann@here.test', 'bob@here.test', 'eve@here.test']);
  });
});
