/**
 * Aim: a person names a script for a mailbox by IMAP, and it runs on what they put there, move there and flag there.
 * Method: the real server, and a client of our own; all is seen over IMAP.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImapClient } from '../support/imap-client.ts';
import { eventually, startTestServer } from '../support/test-server.ts';

const anyPort = '127.0.0.1:0';
const address = 'ann@here.test';
const message = 'From: s@far.test\r\nSubject: hi\r\n\r\nText.\r\n';

test('RFC 6785: a script of a mailbox runs by APPEND, MOVE and STORE', async () => {
  await using server = await startTestServer({
    ...{ 'listen.imap': anyPort, 'listen.managesieve': anyPort },
    'login.clearNetworks': '127.0.0.0/8',
  });
  await server.call('domain.create', { name: 'here.test' });
  await server.call('account.create', { address, password: 'correct horse' });
  const source = `require ["imapsieve", "environment", "imap4flags", "fileinto", "copy"];
    if environment :is "imap.cause" "FLAG" {
      if environment :contains "imap.changedflags" "$Done" { fileinto "Trash"; }
    } elsif environment :is "imap.user" "${address}" { addflag "$Filed"; redirect :copy "${address}"; }`;
  const put = { account: address, name: 'events', source, activate: false };
  assert.deepEqual((await server.call('script.put', put)).faults, []);

  const client = await ImapClient.connect(server.ports.imap!);
  await client.response();
  await client.ok(`LOGIN ${address} "correct horse"`);
  const told = await client.ok('CAPABILITY');
  assert.match(told.untagged[0]!.raw, / IMAPSIEVE=sieve:\/\/[^ ]+:\d+/);
  await client.ok('SETMETADATA Archive (/shared/imapsieve/script "events")');
  const seen = async (mailbox: string, wanted: RegExp) => {
    await client.ok(`EXAMINE ${mailbox}`);
    return eventually(`${wanted} in ${mailbox}`, async () => {
      await client.ok('NOOP');
      const { untagged } = await client.ok('FETCH 1:* (FLAGS)');
      return untagged.some(({ raw }) => wanted.test(raw)) || undefined;
    });
  };
  await client.ok(`APPEND Archive (\\Seen) {${message.length}+}\r\n${message}`);
  await seen('Archive', /FETCH \(FLAGS \((?=.*\$Filed)(?=.*\\Seen)/);
  // It went on to its own account, where no script of a mailbox runs.
  await seen('INBOX', /FETCH/);
  await client.ok('SELECT INBOX');
  await client.ok('MOVE 1 Archive');
  await seen('Archive', /\* 2 FETCH \(FLAGS \([^)]*\$Filed/);
  await client.ok('SELECT Archive');
  await client.ok('STORE 1 +FLAGS ($Done)');
  await seen('Trash', /FETCH \(FLAGS \((?=.*\$Done)(?=.*\$Filed)/);
  client.destroy();
});
