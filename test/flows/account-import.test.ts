/**
 * Aim: accounts come from CSV as its lines say, as often as it is run, whatever cut a run off, and a dry run does
 * nothing. Method: the command against the whole server.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AccountImport } from '../../src/cli/account-import.ts';
import { accountRows } from '../../src/cli/account-rows.ts';
import type { Control } from '../../src/cli/control-client.ts';
import { hashPassword } from '../../src/mail/trust/password.ts';
import { command } from '../support/account-mail.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const hash = hashPassword('correct horse', Buffer.alloc(16, 7));
const header = 'address,enabled,quota,quota_messages,send_as,password_hash';
const good = [
  header,
  `Ann@Here.test,yes,1GiB,1000,info@here.test *@here.test,"${hash}"`,
  'bob@here.test,no,,,,',
  '"cyd@here.test",,0,,,',
].join('\r\n');

const noInput = async () => new Uint8Array();

async function withDomain(): Promise<TestServer> {
  const test = await startTestServer();
  await test.call('domain.create', { name: 'here.test' });
  return test;
}

async function run(test: TestServer, csv: string, ...options: string[]) {
  const file = join(test.folder, 'accounts.csv');
  writeFileSync(file, csv);
  const environment = { CHASKI_DATA: test.settings.data.dir };
  const { code, out, error } = await command(
    ['account', 'import', file, '--json', ...options],
    environment,
  );
  return { code, error, answer: out === '' ? undefined : JSON.parse(out) };
}

async function accountsOf(test: TestServer) {
  const { accounts } = await test.call('account.list', {});
  return accounts.map(({ createdMs: _, ...account }) => account);
}

const counts = (created: number, changed: number, unchanged: number) => ({
  ...{ created, changed, unchanged, errorCount: 0, errors: [] },
});

describe('chaski account import', () => {
  it('makes what is missing, changes what differs, and leaves the rest as often as it is run', async () => {
    await using test = await withDomain();
    await test.call('account.create', { address: 'cyd@here.test', quotaBytes: 4_096 });
    const dry = await run(test, good, '--dry-run');
    assert.deepEqual(dry, { code: 0, error: '', answer: { isDry: true, ...counts(2, 1, 0) } });
    assert.equal((await accountsOf(test)).length, 1);
    const first = await run(test, good);
    assert.deepEqual(first, { code: 0, error: '', answer: { isDry: false, ...counts(2, 1, 0) } });
    const made = await accountsOf(test);
    const [cyd, ann, bob] = made;
    assert.deepEqual(
      [cyd!.address, cyd!.quotaBytes, cyd!.hasPassword],
      ['cyd@here.test', 0, false],
    );
    assert.deepEqual(
      [ann!.address, ann!.quotaBytes, ann!.quotaMessages],
      ['ann@here.test', 2 ** 30, 1_000],
    );
    assert.deepEqual([ann!.sendAs, ann!.hasPassword], [['info@here.test', '*@here.test'], true]);
    assert.deepEqual(
      [bob!.address, bob!.isEnabled, bob!.hasPassword],
      ['bob@here.test', false, false],
    );
    assert.deepEqual((await run(test, good)).answer, { isDry: false, ...counts(0, 0, 3) });
    assert.deepEqual(await accountsOf(test), made);
    const replaced = await run(test, good, '--replace-passwords');
    assert.deepEqual(replaced.answer, { isDry: false, ...counts(0, 1, 2) });
  });

  it('names line and column of what it cannot take, takes the rest, and repeats no secret', async () => {
    await using test = await withDomain();
    const csv = [
      header,
      'ann@here.test,maybe,,,,',
      'bob@here.test,,lots,,,',
      'no address,,,,,',
      'cyd@here.test,,,,,hunter2',
      'dan@there.test,,,,,',
      'eve@here.test,,,,,,more',
      '"fay@here.test",,,,,',
      'gus@here.test,"never ends',
    ].join('\n');
    const { code, error, answer } = await run(test, csv);
    assert.equal(code, 1);
    assert.deepEqual(
      answer.errors.map(({ line, column }: { line: number; column?: string }) => [line, column]),
      [
        [2, 'enabled'],
        [3, 'quota'],
        [4, 'address'],
        [5, 'password_hash'],
        [6, undefined],
        [7, undefined],
        [9, undefined],
      ],
    );
    assert.deepEqual([answer.created, answer.errorCount], [1, 7]);
    assert.match(error, /line 3, quota: a size/);
    assert.doesNotMatch(error + JSON.stringify(answer), /hunter2/);
  });

  it('refuses a first line that it does not know, and a file that is not there', async () => {
    await using test = await withDomain();
    for (const [csv, words] of [
      ['mail,enabled\nann@here.test,yes', /mail.*columns are address/],
      ['enabled\nyes', /no .*address/],
      ['address,address\na@here.test,b@here.test', /address.* stands twice/],
      ['', /it is empty/],
    ] as const) {
      const { code, error } = await run(test, csv);
      assert.equal(code, 1);
      assert.match(error, words);
    }
    const rows = accountRows(join(test.folder, 'nowhere.csv'), noInput);
    await assert.rejects(rows.next(), { code: 'not-found' });
    assert.deepEqual(await accountsOf(test), []);
  });

  it('ends the same wherever it was cut off before', async () => {
    await using test = await withDomain();
    // Numbers are never given twice.
    const shown = async () =>
      (await accountsOf(test)).map(({ id: _, shard: __, ...account }) => account);
    await run(test, good);
    const wanted = await shown();
    for (let cut = 1, isCut = true; isCut; cut++) {
      for (const { address } of wanted) await test.call('account.delete', { address });
      let calls = 0;
      const call = async (method: never, params: never) => {
        if (++calls > cut) throw new Error('cut off here');
        return await test.call(method, params);
      };
      const control = { call } as unknown as Control;
      const terms = { control, isDry: false, replacesPasswords: false, onFault: () => {} };
      const cutOff = new AccountImport(terms);
      isCut = false;
      try {
        for await (const row of accountRows('-', async () => Buffer.from(good))) {
          await cutOff.take(row);
        }
      } catch (error) {
        assert.match(String(error), /cut off here/);
        isCut = true;
      }
      await run(test, good);
      assert.deepEqual(await shown(), wanted, `after ${cut} calls`);
    }
  });
});
