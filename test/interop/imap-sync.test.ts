/**
 * Aim: programs that keep a copy of all mail keep it right: what changes on either side is on both after the next run,
 *      and a run with nothing to do does nothing.
 * Method: mbsync and offlineimap between the real server and Maildirs; changes on the server are made by a client of
 *         our own, changes at home in the files.
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { address, ImapPlace, message, needs, password } from './imap-place.ts';
import * as maildir from './maildir.ts';

const many = Array.from({ length: 150 }, (_, i) => `many ${i}`);
const longText = 'Grüße, line after line.\r\n'.repeat(20_000);

/** Mail on the server before the first run. */
async function fill(place: ImapPlace): Promise<void> {
  for (let i = 1; i <= 5; i++) await place.append('INBOX', `inbox ${i}`, i === 5 ? '\\Seen' : '');
  await place.create('Work/Deep');
  await place.append('Work/Deep', 'deep 1');
  await place.append('Work/Deep', 'deep 2', '\\Flagged');
  await place.create('Many');
  const texts = many.map((subject) => message(subject));
  await place.appendAll('Many', [...texts, message('long', longText)]);
}

/** What a reader elsewhere does meanwhile. */
async function changeOnServer(place: ImapPlace): Promise<void> {
  const client = await place.client();
  await client.ok('SELECT INBOX');
  await client.ok('STORE 1 +FLAGS (\\Seen \\Flagged)');
  await client.ok('STORE 2 +FLAGS (\\Deleted)');
  await client.ok('EXPUNGE');
  await client.ok('CREATE Fresh');
  await client.ok('MOVE 2 Fresh');
  await client.ok('SELECT Many');
  await client.ok('STORE 1:150 +FLAGS (\\Seen)');
  client.destroy();
  await place.append('INBOX', 'inbox 6');
}

/** What a reader at home does meanwhile; `pathOf` is where it keeps a mailbox. */
function changeAtHome(pathOf: (mailbox: string) => string): void {
  maildir.setFlags(pathOf('INBOX'), 'inbox 4', 'RS');
  maildir.add(pathOf('Work/Deep'), message('deep 3'));
  maildir.remove(pathOf('Work/Deep'), 'deep 1');
  maildir.setFlags(pathOf('Many'), 'many 77', 'F');
  maildir.make(pathOf('Home'));
  maildir.add(pathOf('Home'), message('home 1'));
}

const wanted: Record<string, string[]> = {
  Fresh: ['inbox 3'],
  Home: ['home 1'],
  INBOX: ['inbox 1 \\Flagged \\Seen', 'inbox 4 \\Answered \\Seen', 'inbox 5 \\Seen', 'inbox 6'],
  Many: [
    'long',
    ...many.map((subject) => `${subject}${subject === 'many 77' ? ' \\Flagged' : ''} \\Seen`),
  ].sort(),
  'Work/Deep': ['deep 2 \\Flagged', 'deep 3'],
};

async function syncsBothWays(
  place: ImapPlace,
  sync: () => Promise<unknown>,
  pathOf: (mailbox: string) => string,
): Promise<void> {
  await fill(place);
  await sync();
  const first = await place.mail();
  for (const [name, held] of Object.entries(first)) {
    assert.deepEqual(maildir.mailIn(pathOf(name)), held, `${name} after the first run`);
  }
  assert.deepEqual([first.INBOX?.length, first.Many?.length], [5, 151]);
  const text = maildir.textOf(pathOf('Many'), 'long');
  assert.ok(text === longText.replaceAll('\r\n', '\n'), 'half a megabyte came whole');
  await changeOnServer(place);
  changeAtHome(pathOf);
  await sync();
  assert.deepEqual(await place.mail(), wanted);
  for (const [name, held] of Object.entries(wanted)) {
    assert.deepEqual(maildir.mailIn(pathOf(name)), held, `${name} at home`);
  }
  const before = await uidNexts(place);
  await sync();
  assert.deepEqual(await place.mail(), wanted, 'a run with nothing to do');
  assert.deepEqual(await uidNexts(place), before, 'nothing was put there anew');
}

async function uidNexts(place: ImapPlace): Promise<string[]> {
  const client = await place.client();
  const { untagged } = await client.ok('LIST "" "*" RETURN (STATUS (UIDNEXT UIDVALIDITY))');
  client.destroy();
  return untagged.filter(({ name }) => name === 'STATUS').map(({ raw }) => raw);
}

it('mbsync syncs both ways', needs('mbsync'), async () => {
  await using place = await ImapPlace.open();
  const mail = place.makeFolder('mail');
  const lines = [
    'IMAPAccount far',
    'Host 127.0.0.1',
    `Port ${place.test.ports.imaps}`,
    `User ${address}`,
    `Pass "${password}"`,
    'SSLType IMAPS',
    `CertificateFile ${place.certificate}`,
    '',
    'IMAPStore far',
    'Account far',
    '',
    'MaildirStore near',
    `Path ${mail}/`,
    `Inbox ${mail}/INBOX`,
    'SubFolders Verbatim',
    '',
    'Channel all',
    'Far :far:',
    'Near :near:',
    'Patterns *',
    'Create Both',
    'Remove Both',
    'Expunge Both',
    'SyncState *',
    '',
  ];
  writeFileSync(place.path('mbsyncrc'), lines.join('\n'));
  const sync = () => place.run('mbsync', ['-c', place.path('mbsyncrc'), 'all']);
  await syncsBothWays(place, sync, (mailbox) => place.path('mail', mailbox));
});

it('offlineimap syncs both ways', needs('offlineimap'), async () => {
  await using place = await ImapPlace.open();
  place.makeFolder('mail');
  const { fingerprint256 } = new X509Certificate(readFileSync(place.certificate));
  const lines = [
    '[general]',
    'accounts = ann',
    'ui = basic',
    `metadata = ${place.path('state')}`,
    '[Account ann]',
    'localrepository = near',
    'remoterepository = far',
    '[Repository near]',
    'type = Maildir',
    `localfolders = ${place.path('mail')}`,
    'sep = /',
    '[Repository far]',
    'type = IMAP',
    'remotehost = 127.0.0.1',
    `remoteport = ${place.test.ports.imaps}`,
    `remoteuser = ${address}`,
    `remotepass = ${password}`,
    'ssl = yes',
    `cert_fingerprint = ${fingerprint256.replaceAll(':', '').toLowerCase()}`,
    '',
  ];
  writeFileSync(place.path('offlineimaprc'), lines.join('\n'));
  const sync = () => place.run('offlineimap', ['-o', '-c', place.path('offlineimaprc')]);
  await syncsBothWays(place, sync, (mailbox) => place.path('mail', mailbox));
  assert.ok(readdirSync(place.path('mail')).includes('Sent'), 'mailboxes without mail come too');
});
