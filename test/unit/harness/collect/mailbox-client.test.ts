/**
 * Aim: any server's mailboxes are read whole and unchanged, however its responses are cut and ordered; what is not to be
 *      read is said.
 * Method: a scripted server; responses cut at every octet.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { collectImap } from '../../../../src/harness/collect/imap-collect.ts';
import { MailboxClient } from '../../../../src/harness/collect/mailbox-client.ts';
import { type Response, ResponsePieces } from '../../../../src/harness/collect/response-pieces.ts';
import { accountOf } from '../../../../src/harness/ledger/ledger-folder.ts';
import { LedgerWriter } from '../../../../src/harness/ledger/ledger-writer.ts';
import { bodyHash, markLine } from '../../../../src/harness/ledger/mark.ts';
import { startScriptedImap } from '../../../support/scripted-imap.ts';

function received(bytes: Buffer, step: number, literalMax?: number) {
  const responses: Response[] = [];
  let isOverlong = false;
  const pieces = new ResponsePieces(
    {
      onResponse: (response) => responses.push(response),
      onOverlong: () => {
        isOverlong = true;
      },
    },
    literalMax,
  );
  for (let at = 0; at < bytes.length; at += step) {
    // The chunk's memory is another's once it is pushed.
    const chunk = Buffer.from(bytes.subarray(at, at + step));
    pieces.push(chunk);
    chunk.fill('!');
  }
  return { responses, isOverlong };
}

const plain = ({ text, literals }: Response) => [
  text,
  ...literals.map(({ bytes, isCut }) => `${bytes.toString()}${isCut ? ' (cut)' : ''}`),
];

test('RFC 9051 §4.3: responses with literals come whole, wherever they are cut', () => {
  const bytes = Buffer.from(
    '* OK not a literal {3}\r\n* 1 FETCH (BODY[] {12}\r\na)\r\n* OK {9} UID 7 X {0}\r\n\r\nc1 OK done\n',
  );
  for (let step = 1; step <= bytes.length; step++) {
    const { responses } = received(bytes, step);
    assert.deepEqual(responses.map(plain), [
      ['* OK not a literal {3}'],
      ['* 1 FETCH (BODY[] {0} UID 7 X {1}', 'a)\r\n* OK {9}', ''],
      ['c1 OK done'],
    ]);
  }
  const [cut] = received(bytes.subarray(24), 7, 5).responses;
  assert.equal(plain(cut!)[1], 'a)\r\n* (cut)');
});

test('a line without end is not kept', () => {
  assert.equal(received(Buffer.alloc(70_000, 'x'), 1_000).isOverlong, true);
  assert.equal(received(Buffer.from(`* ${'{0}\r\n'.repeat(30_000)}`), 1_000).isOverlong, true);
});

const body = 'hello\r\n';
const sha256 = bodyHash(Buffer.from(body));
const messageOf = (id: string) => `${markLine({ id, sha256 })}Subject: x\r\n\r\n${body}`;
const account = { user: 'ann', password: 'pass"word' };
const options = { tls: 'none' as const, isVerified: false };

test('mailboxes are listed but views, opened for reading, and fetched in ranges', async (context) => {
  const list =
    '* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST (\\All) "/" "All Mail"\r\n' +
    '* LIST (\\Noselect) NIL gone\r\n* LIST () "\\\\" "a \\"b\\""\r\n* LIST () "/" {4}\r\nf"oo\r\n';
  const message = messageOf('m');
  const items = `INTERNALDATE " 7-Feb-1994 21:52:25 -0800"`;
  const { target, heard } = await startScriptedImap(context, (command, tag) => {
    if (command.startsWith('LIST')) return `${list}${tag} OK done\r\n`;
    if (command.startsWith('EXAMINE')) {
      return `* 501 EXISTS\r\n* OK [UIDVALIDITY 17] x\r\n${tag} OK [READ-ONLY] done\r\n`;
    }
    if (!command.startsWith('FETCH')) return undefined;
    // One comes while the others are read.
    const more = command.startsWith('FETCH 1:') ? '* 502 EXISTS\r\n' : '';
    return (
      `* 1 FETCH (FLAGS (\\Seen))\r\n${more}* 2 FETCH (BODY[] {${message.length}}\r\n${message} ` +
      `UID 9 ${items})\r\n${tag} OK done\r\n`
    );
  });
  const client = await MailboxClient.open({ ...target, ...options }, account, nodeClock);
  assert.deepEqual(await client.list(), ['INBOX', '"a \\"b\\""', '"f\\"oo"']);
  assert.equal(await client.examine('INBOX'), 17);
  const messages: unknown[] = [];
  await client.fetchAll((each) => messages.push({ ...each, bytes: each.bytes.toString() }));
  await client.logout();
  const internalMs = Date.UTC(1994, 1, 8, 5, 52, 25);
  assert.deepEqual(messages[0], { uid: 9, internalMs, bytes: message, isCut: false });
  assert.equal(messages.length, 2);
  assert.deepEqual(heard, [
    ...['LOGIN "ann" "pass\\"word"', 'LIST "" "*"', 'EXAMINE INBOX'],
    'FETCH 1:500 (UID INTERNALDATE BODY.PEEK[])',
    'FETCH 501:502 (UID INTERNALDATE BODY.PEEK[])',
    'LOGOUT',
  ]);
});

test('a refusal, a broken connection and a greeting of goodbye are told', async (context) => {
  const open = (target: { host: string; port: number }, tls: 'none' | 'starttls' = 'none') =>
    MailboxClient.open({ ...target, isVerified: false, tls }, account, nodeClock);
  const refusing = await startScriptedImap(context, (command, tag) =>
    command.startsWith('LOGIN') ? `${tag} NO [AUTHENTICATIONFAILED] go away\r\n` : undefined,
  );
  await assert.rejects(open(refusing.target), /it says NO \[AUTHENTICATIONFAILED\] go away/);
  const full = await startScriptedImap(context, undefined, { greeting: '* BYE full\r\n' });
  await assert.rejects(open(full.target), /it says \* BYE full/);
  const known = await startScriptedImap(context, undefined, { greeting: '* PREAUTH hi\r\n' });
  await assert.rejects(open(known.target, 'starttls'), /no STARTTLS: it greets with PREAUTH/);
  (await open(known.target)).close();
  const dying = await startScriptedImap(context, (command, tag, socket) => {
    if (command.startsWith('EXAMINE')) return `* 1 EXISTS\r\n${tag} OK done\r\n`;
    if (!command.startsWith('FETCH')) return undefined;
    socket.destroy();
    return '';
  });
  const client = await open(dying.target);
  await client.examine('INBOX');
  await assert.rejects(
    client.fetchAll(() => {}),
    /closed by the server|ECONNRESET/,
  );
  await assert.rejects(client.list(), /closed by the server|ECONNRESET/);
  await assert.rejects(open({ host: '127.0.0.1', port: 1 }), /ECONNREFUSED/);
});

test('accounts are collected side by side; what one refuses does not keep the others', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const { target } = await startScriptedImap(context, (command, tag) => {
    if (command.startsWith('LOGIN "bob"')) return `${tag} NO who?\r\n`;
    if (command.startsWith('EXAMINE')) {
      return `* 1 EXISTS\r\n* OK [UIDVALIDITY 3] x\r\n${tag} OK done\r\n`;
    }
    if (!command.startsWith('FETCH')) return undefined;
    const message = messageOf('m1');
    const date = 'INTERNALDATE "22-Nov-2026 12:00:00 +0000"';
    return `* 1 FETCH (UID 4 ${date} BODY[] {${message.length}}\r\n${message})\r\n${tag} OK x\r\n`;
  });
  const to = ['ann@example.com', 'cyd@example.com'];
  const ledger = new LedgerWriter(folder);
  ledger.append('injected', { id: 'm1', sha256, bytes: 1, to, intendedMs: 0 });
  ledger.append('acknowledged', { id: 'm1', to, sentMs: 0, atMs: 0 });
  const plan = {
    connection: { ...target, ...options },
    accounts: ['ann', 'bob', 'cyd'].map((user) => ({
      ...{ user, password: 'x', address: `${user}@example.com` },
    })),
    ...{ mailboxes: ['INBOX'], connectionsMax: 2 },
  };
  const counts = await collectImap(plan, nodeClock, ledger);
  assert.partialDeepStrictEqual(counts, {
    mailboxes: 2,
    seen: 2,
    faults: ['bob: it says NO who?'],
  });
  await collectImap(plan, nodeClock, ledger);
  ledger.close();
  const { seen, lost, duplicated } = accountOf(folder);
  assert.deepEqual({ seen, lost, duplicated }, { seen: 2, lost: 0, duplicated: 0 });
});
