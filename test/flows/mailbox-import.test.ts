/**
 * Aim: mail from files is in the account as it was there, once, whatever was killed on the way.
 * Method: the command on the real server, by its socket, and on the stopped store; a server of its own for the kill.
 */

import assert from 'node:assert/strict';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { command, heldMail } from '../support/account-mail.ts';
import { eventually, startTestServer, type TestServer } from '../support/test-server.ts';

const environmentOf = (folder: string) => ({
  CHASKI_DATA: join(folder, 'data'),
  CHASKI_HOSTNAME: 'mx.test',
  CHASKI_SHARDS: '4',
});

function message(number: number): string {
  return `From: a@x.test\nSubject: ${number}\nMessage-ID: <${number}@x.test>\n\nText ${number}.\n`;
}

/** Ann's mailboxes that have messages. */
async function filled(test: TestServer) {
  const held = await heldMail(test, 'ann@here.test');
  return Object.fromEntries(Object.entries(held).filter(([, messages]) => messages.length > 0));
}

const onWire = (text: string) => text.replaceAll('\n', '\r\n');

function writeMaildir(folder: string, names: readonly string[], secondsFrom: number): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(folder, part), { recursive: true });
  for (const [at, name] of names.entries()) {
    const path = join(folder, name.includes(':2,') ? 'cur' : 'new', name);
    writeFileSync(path, message(secondsFrom + at));
    utimesSync(path, secondsFrom + at, secondsFrom + at);
  }
}

function journalBytes(folder: string): number {
  const files = globSync(join(folder, 'data/shards/*/journal/*'));
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}

describe('chaski mailbox import', () => {
  it('brings a Maildir tree with flags, keywords and dates, once', async () => {
    await using test = await startTestServer();
    await test.call('domain.create', { name: 'here.test' });
    await test.call('account.create', { address: 'ann@here.test' });
    const root = join(test.folder, 'Maildir');
    writeMaildir(root, ['1000.a:2,S', '1001.b:2,Fa', '1002.c'], 1_000);
    writeFileSync(join(root, 'dovecot-keywords'), '0 $Own\n');
    writeMaildir(join(root, '.Lists.2026'), ['2000.a:2,RS'], 2_000);
    const environment = environmentOf(test.folder);
    const line = ['mailbox', 'import', 'ann@here.test', root, '--json'];
    const first = await command(line, environment);
    assert.deepEqual([first.code, first.error], [0, '']);
    assert.deepEqual(JSON.parse(first.out), {
      mailboxes: ['INBOX', 'Lists/2026'],
      ...{ importedCount: 4, knownCount: 0, faultCount: 0 },
      bytes: 4 * onWire(message(1_000)).length,
    });
    const wanted = {
      INBOX: [
        { flags: ['\\Seen'], internalMs: 1_000_000, text: onWire(message(1_000)) },
        { flags: ['$Own', '\\Flagged'], internalMs: 1_001_000, text: onWire(message(1_001)) },
        { flags: [], internalMs: 1_002_000, text: onWire(message(1_002)) },
      ],
      'Lists/2026': [
        { flags: ['\\Answered', '\\Seen'], internalMs: 2_000_000, text: onWire(message(2_000)) },
      ],
    };
    assert.deepEqual(await filled(test), wanted);
    const again = await command(line.slice(0, -1), environment);
    assert.match(again.out, /^Imported 0 messages into 2 mailboxes, 4 were there /);
    assert.deepEqual(await filled(test), wanted);
  });

  it('brings an mbox into the stopped store, names what it cannot read, and takes the rest', async () => {
    await using test = await startTestServer({ 'imap.messageBytesMax': '64KiB' });
    await test.call('domain.create', { name: 'here.test' });
    await test.call('account.create', { address: 'ann@here.test' });
    const from = 'From x Thu Jan  1 00:00:07 2026\n';
    const large = `Subject: large\n\n${'x'.repeat(70_000)}\n`;
    const mbox = join(test.folder, 'old.mbox');
    const parts = ['nonsense\n\n', from, `Status: R\n${message(1)}\n`, from, `${large}\n`, from];
    writeFileSync(mbox, `${parts.join('')}${message(2)}>From here\n\n`);
    await test.stop();
    const environment = {
      ...environmentOf(test.folder),
      CHASKI_IMAP__MESSAGE_BYTES_MAX: '64KiB',
    };
    const line = ['mailbox', 'import', 'ann@here.test', mbox, '--mailbox', 'Old/Mail'];
    const run = await command(line, environment);
    assert.equal(run.code, 1);
    assert.match(run.error, /old\.mbox at byte 0: no line "From ADDRESS DATE"/);
    assert.match(run.error, /old\.mbox at byte \d+: message-too-large: over 65536 bytes/);
    assert.match(run.out, /^Imported 2 messages into 1 mailbox, 2 could not be imported/);
    await using again = await startTestServer({}, { folder: test.folder });
    const { 'Old/Mail': all } = await filled(again);
    assert.deepEqual(
      all!.map(({ text }) => text),
      [onWire(message(1)), onWire(`${message(2)}From here\n`)],
    );
    assert.deepEqual(all![0]!.flags, ['\\Seen']);
    assert.equal(all![0]!.internalMs, Date.UTC(2026, 0, 1, 0, 0, 7));
  });

  it('takes dates past those of IMAP as the nearest there is, and nothing without one', async () => {
    await using test = await startTestServer();
    await test.call('domain.create', { name: 'here.test' });
    await test.call('account.create', { address: 'ann@here.test' });
    const text = 'A: b\r\n\r\n';
    const dates = [9e15, -9e15, 1.5, Number.NaN];
    const messages = dates.map((internalMs, at) => ({
      ...{ bytes: text.length, occurrence: at + 1, flags: [], internalMs },
    }));
    const params = { account: 'ann@here.test', mailbox: 'INBOX', run: 'r', messages };
    const body = Buffer.from(text.repeat(dates.length));
    const { signal } = new AbortController();
    const handler = test.server.handlers['mailbox.import']!;
    const answer = await handler(params, { by: askedHere, body, signal, emit: async () => {} });
    assert.equal(answer.importedCount, 3);
    assert.deepEqual(
      answer.faults.map(({ index, code }) => [index, code]),
      [[3, 'message-invalid']],
    );
    const { INBOX: all } = await filled(test);
    assert.deepEqual(
      all!.map(({ internalMs }) => internalMs),
      [Date.UTC(9999, 11, 31, 23, 59, 59, 999), new Date('0001-01-01T00:00:00Z').getTime(), 2],
    );
  });

  it('ends at the quota with what fitted, and makes mailboxes when asked', async () => {
    await using test = await startTestServer();
    await test.call('domain.create', { name: 'here.test' });
    await test.call('account.create', { address: 'ann@here.test', quotaBytes: 10_000 });
    const root = join(test.folder, 'mail');
    mkdirSync(root);
    for (let i = 0; i < 5; i++)
      writeFileSync(join(root, `${i}.eml`), `A: b\n\n${'x'.repeat(3_000)}${i}\n`);
    const environment = environmentOf(test.folder);
    const run = await command(['mailbox', 'import', 'ann@here.test', root], environment);
    assert.equal(run.code, 1);
    assert.match(run.error, /3\.eml: account-over-quota/);
    assert.equal((await filled(test)).INBOX!.length, 3);
    const made = await command(['mailbox', 'create', 'ann@here.test', 'A/B'], environment);
    assert.equal(made.out, 'Made A/B.\n');
    const twice = await command(['mailbox', 'create', 'ann@here.test', 'A/B'], environment);
    assert.deepEqual([twice.code, /already|mailbox A\/B/.test(twice.error)], [1, true]);
    const list = await test.call('mailbox.list', { account: 'ann@here.test' });
    assert.ok(list.mailboxes.some(({ name }) => name === 'A/B'));
  });

  it('goes on after the server was killed in the middle, and doubles nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chaski-import-'));
    const count = 2_000;
    try {
      const root = join(folder, 'mail');
      mkdirSync(root);
      for (let i = 0; i < count; i++) writeFileSync(join(root, `${i}.eml`), message(i));
      const port = await freePort();
      const environment = relayEnvironment(join(folder, 'data'), port, await freePort());
      const line = ['mailbox', 'import', 'ann@here.test', root, '--json'];
      let isCut = false;
      for (let kill = 0; kill < 3; kill++) {
        const server = serve(environment, folder);
        await untilGreets(port, 90_000, () => server.isRunning);
        if (kill === 0) {
          await command(['domain', 'create', 'here.test'], environment);
          await command(['account', 'create', 'ann@here.test'], environment);
        }
        const from = journalBytes(folder);
        let isOver = false;
        const running = command(line, environment).finally(() => {
          isOver = true;
        });
        // In the first lot of messages, then later ones.
        const bytes = 20_000 + 60_000 * kill;
        await eventually(
          'some of it',
          () => isOver || journalBytes(folder) > from + bytes || undefined,
        );
        await server.stop('SIGKILL');
        const { code } = await running;
        if (code !== 0) isCut = true;
      }
      assert.ok(isCut, 'at least one import was cut off');
      const last = await command(line, environment);
      assert.equal(last.code, 0, last.error);
      const { importedCount, knownCount } = JSON.parse(last.out);
      assert.equal(importedCount + knownCount, count);
      assert.ok(knownCount > 0, 'what came before the kills is there');
      const shown = await command(['mailbox', 'list', 'ann@here.test', '--json'], environment);
      const [inbox] = JSON.parse(shown.out);
      assert.equal(inbox.messageCount, count);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
