/**
 * Aim: an account copied from another IMAP server is the same here: messages, flags, dates, special uses and
 *      subscriptions, once, however often the copy is cut off or run again.
 * Method: Chaski is the other server, too: one account is copied into another over IMAP with TLS.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { command, heldMail } from '../support/account-mail.ts';
import { ImapClient } from '../support/imap-client.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const password = 'correct horse';
const ann = 'ann@here.test';
const ben = 'ben@here.test';

const environmentOf = (test: TestServer) => ({
  CHASKI_DATA: join(test.folder, 'data'),
  CHASKI_HOSTNAME: 'mx.test',
  CHASKI_SHARDS: '4',
});

function write(root: string, folder: string, from: number, count: number): void {
  const path = join(root, folder, 'cur');
  mkdirSync(path, { recursive: true });
  for (let i = from; i < from + count; i++) {
    const file = join(path, `${1_000 + i}.x:2,${i % 2 === 0 ? 'S' : 'Fa'}`);
    writeFileSync(file, `From: s@far.test\nSubject: ${folder} ${i}\n\nText ${i}.\n`);
    utimesSync(file, 1_000 + i, 1_000 + i);
  }
  writeFileSync(join(root, folder, 'dovecot-keywords'), '0 $Own\n');
}

async function startSource(): Promise<TestServer> {
  const test = await startTestServer({
    'listen.imaps': '127.0.0.1:0',
    'listen.imap': '127.0.0.1:0',
  });
  await test.call('domain.create', { name: 'here.test' });
  for (const address of [ann, ben]) await test.call('account.create', { address, password });
  const root = join(test.folder, 'mail');
  write(root, '.', 0, 1_200);
  write(root, '.Sent', 0, 3);
  write(root, '.Lists.Old', 0, 2);
  const run = await command(['mailbox', 'import', ann, root], environmentOf(test));
  assert.equal(run.code, 0, run.error);
  await test.call('mailbox.subscribe', { account: ann, name: 'Lists/Old' });
  return test;
}

function migrate(test: TestServer, ...more: string[]) {
  const line = [
    ...['migrate', 'imap', ben, '--from', `imaps://127.0.0.1:${test.ports.imaps}`, '--user', ann],
    ...['--password-stdin', '--any-certificate', '--json'],
    ...['--position', join(test.folder, 'position.json'), ...more],
  ];
  return command(line, environmentOf(test), `${password}\n`);
}

describe('chaski migrate imap', () => {
  it('copies all of an account, once, and what is new when run again', async () => {
    await using test = await startSource();
    const wanted = await heldMail(test, ann);
    const first = await migrate(test);
    assert.equal(first.code, 0, first.error);
    const { importedCount, knownCount, mailboxCount } = JSON.parse(first.out);
    assert.deepEqual([importedCount, knownCount, mailboxCount], [1_205, 0, 8]);
    assert.deepEqual(await heldMail(test, ben), wanted);
    const client = await ImapClient.connect(test.ports.imap!);
    await client.response();
    await client.ok('STARTTLS');
    await client.startTls();
    await client.ok(`LOGIN ${ben} "${password}"`);
    const { untagged } = await client.ok('LSUB "" "Lists/*"');
    assert.match(untagged[0]!.raw, /Lists\/Old/);
    write(join(test.folder, 'mail'), '.Lists.Old', 2, 1);
    await command(['mailbox', 'import', ann, join(test.folder, 'mail')], environmentOf(test));
    const second = JSON.parse((await migrate(test)).out);
    assert.deepEqual([second.importedCount, second.knownCount], [1, 0]);
    // Without its position it reads all again, and doubles nothing.
    rmSync(join(test.folder, 'position.json'));
    const third = JSON.parse((await migrate(test, '--connections', '2')).out);
    assert.deepEqual([third.importedCount, third.knownCount], [0, 1_206]);
    assert.deepEqual(await heldMail(test, ben), await heldMail(test, ann));
  });

  it('shows what it would copy, and copies just what it is told', async () => {
    await using test = await startSource();
    const before = await heldMail(test, ben);
    const shown = JSON.parse((await migrate(test, '--dry-run', '--without', 'Junk')).out);
    const rows = shown.map(({ from, to, messageCount, bytes }: Record<string, unknown>) =>
      [from, to, messageCount, bytes === 0].join(' '),
    );
    assert.deepEqual(rows.sort(), [
      'Archive Archive 0 true',
      'Drafts Drafts 0 true',
      'INBOX INBOX 1200 false',
      'Lists Lists 0 true',
      'Lists/Old Lists/Old 2 false',
      'Sent Sent 3 false',
      'Trash Trash 0 true',
    ]);
    assert.deepEqual(await heldMail(test, ben), before);
    const some = await migrate(test, '--mailbox', 'Sent');
    assert.equal(JSON.parse(some.out).importedCount, 3);
    const none = await migrate(test, '--mailbox', 'Nope');
    assert.deepEqual([none.code, JSON.parse(none.error).error.code], [1, 'not-found']);
  });

  it('leaves out mailboxes of others, and says so: here they would hide behind those of others', async () => {
    await using test = await startSource();
    const client = await ImapClient.connect(test.ports.imap!);
    await client.response();
    await client.ok('STARTTLS');
    await client.startTls();
    await client.ok(`LOGIN ${ben} "${password}"`);
    await client.ok('CREATE Shared');
    await client.ok(`SETACL Shared ${ann} lr`);
    const run = await migrate(test);
    assert.equal(run.code, 1);
    assert.match(
      run.error,
      /Other Users\/ben@here\.test\/Shared: mailboxes of others are called so/,
    );
    const { importedCount, faultCount } = JSON.parse(run.out);
    assert.deepEqual([importedCount, faultCount], [1_205, 1]);
    const names = Object.keys(await heldMail(test, ben));
    assert.ok(names.every((name) => !name.startsWith('Other Users')));
    const make = ['mailbox', 'create', ben, 'Other Users'];
    assert.equal((await command(make, environmentOf(test))).code, 1);
  });

  it('goes on after it was cut off, and names what goes wrong', async () => {
    await using test = await startSource();
    const path = join(test.folder, 'position.json');
    const cut = await migrate(test, '--mailbox', 'Sent');
    assert.equal(cut.code, 0);
    // As a kill leaves it: some is here, and the position is behind.
    const kept = JSON.parse(readFileSync(path, 'utf8'));
    kept.folders.Sent.uid = 1;
    writeFileSync(path, JSON.stringify(kept));
    const { importedCount, knownCount } = JSON.parse((await migrate(test)).out);
    assert.deepEqual([importedCount, knownCount], [1_202, 2]);
    assert.deepEqual(await heldMail(test, ben), await heldMail(test, ann));
    writeFileSync(path, JSON.stringify({ ...kept, source: 'somebody else' }));
    assert.match((await migrate(test)).error, /is of another migration/);
    rmSync(path);
    const line = ['migrate', 'imap', ben, '--from', `imaps://127.0.0.1:${test.ports.imaps}`];
    const rest = ['--user', ann, '--password-stdin', '--position', path];
    const unproven = await command([...line, ...rest], environmentOf(test), `${password}\n`);
    assert.equal(unproven.code, 1);
    assert.match(unproven.error, /certificate/i);
    const wrong = await command(
      [...line, ...rest, '--any-certificate'],
      environmentOf(test),
      'wrong\n',
    );
    assert.match(wrong.error, /does not let ann@here\.test in/);
    const usage = await command(
      ['migrate', 'imap', ben, '--from', 'http://x'],
      environmentOf(test),
    );
    assert.equal(usage.code, 2);
  });
});
