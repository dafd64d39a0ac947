/**
 * Aim: neomutt does with a mailbox what a reader does, and a later run finds what changed meanwhile; what it sends
 *      lies in Sent.
 * Method: neomutt on a terminal of `script`, its keys from `push`; what it sees it copies into a Maildir, flags and all.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { eventually } from '../support/test-server.ts';
import { address, ImapPlace, needs, password } from './imap-place.ts';
import * as maildir from './maildir.ts';

/** Writes neomutt's settings, and answers how to run it. */
function setUp(place: ImapPlace): (keys: string, args?: readonly string[]) => Promise<unknown> {
  const { imaps, submission } = place.test.ports;
  const user = address.replace('@', '%40');
  const lines = [
    `set imap_user = "${address}"`,
    `set imap_pass = "${password}"`,
    `set folder = "imaps://127.0.0.1:${imaps}/"`,
    'set spool_file = "+INBOX"',
    'set record = "+Sent"',
    `set from = "${address}"`,
    `set smtp_url = "smtp://${user}@127.0.0.1:${submission}/"`,
    `set smtp_pass = "${password}"`,
    'set ssl_force_tls = yes',
    `set certificate_file = "${place.certificate}"`,
    'set ssl_verify_host = no',
    `set header_cache = "${place.makeFolder('cache')}"`,
    'set imap_condstore = yes',
    'set imap_qresync = yes',
    'set mbox_type = Maildir',
    'set sort = date',
    'set delete = yes',
    'set quit = yes',
    'set move = no',
    'set mark_old = no',
    'set wait_key = no',
    'set confirm_append = no',
    'set confirm_create = no',
    'set editor = true',
    'set edit_headers = yes',
    'set autoedit = yes',
    'set abort_unmodified = no',
    // The editor's end drops keys that were pushed before.
    "send2-hook . 'push <send-message>'",
    '',
  ];
  writeFileSync(place.path('rc'), lines.join('\n'));
  return async (keys, args = []) => {
    writeFileSync(place.path('keys'), keys === '' ? '' : `push "${keys}"\n`);
    const settings = ['-n', '-F', place.path('rc'), '-e', `source ${place.path('keys')}`];
    const line = ['neomutt', ...settings, ...args].map((word) => `'${word}'`).join(' ');
    const sized = `stty rows 24 cols 80; ${line}`;
    return await place.run('script', ['-qec', sized, '/dev/null']);
  };
}

/** Keys that copy all messages shown into a Maildir, and leave. */
const copyTo = (path: string) =>
  `<tag-pattern>~A<enter><tag-prefix><copy-message>${path}<enter><untag-pattern>~A<enter><exit>`;

it('neomutt reads, flags, moves and deletes', needs('neomutt', 'script'), async () => {
  await using place = await ImapPlace.open();
  const neomutt = setUp(place);
  for (const subject of ['one', 'two', 'three', 'four']) await place.append('INBOX', subject);
  await place.create('Work/Deep');
  await place.append('Work/Deep', 'deep');
  const keys = [
    '<search>~s one<enter><flag-message>',
    '<search>~s two<enter><save-message>=Work/Deep<enter>',
    '<search>~s three<enter><delete-message>',
    '<limit>=b four.<enter><pipe-message>cat > read<enter><clear-flag>N',
    '<limit>~A<enter><sync-mailbox>',
  ];
  await neomutt(keys.join('') + copyTo(place.path('first')));
  const after = { INBOX: ['four \\Seen', 'one \\Flagged'], 'Work/Deep': ['deep', 'two'] };
  assert.deepEqual(await place.mail(), after);
  assert.deepEqual(maildir.mailIn(place.path('first')), after.INBOX);
  assert.match(readFileSync(place.path('read'), 'utf8'), /^Subject: four$[\s\S]*^Text of four\.$/m);
});

it('neomutt finds what changed since its last run', needs('neomutt', 'script'), async () => {
  await using place = await ImapPlace.open();
  const neomutt = setUp(place);
  for (const subject of ['one', 'two', 'three']) await place.append('INBOX', subject);
  await neomutt(copyTo(place.path('first')));
  assert.deepEqual(maildir.mailIn(place.path('first')), ['one', 'three', 'two']);
  const client = await place.client();
  await client.ok('SELECT INBOX');
  await client.ok('STORE 1 +FLAGS (\\Answered \\Seen)');
  await client.ok('STORE 2 +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');
  client.destroy();
  await place.append('INBOX', 'four', '\\Flagged');
  await neomutt(copyTo(place.path('second')));
  const changed = ['four \\Flagged', 'one \\Answered \\Seen', 'three'];
  assert.deepEqual(maildir.mailIn(place.path('second')), changed);
  assert.deepEqual(await place.mail(), { INBOX: changed });
});

it('neomutt sends, and keeps a copy in Sent', needs('neomutt', 'script'), async () => {
  await using place = await ImapPlace.open();
  const neomutt = setUp(place);
  writeFileSync(place.path('table.csv'), 'a,b\n');
  writeFileSync(place.path('text'), 'Here it is.\n');
  const files = ['-i', place.path('text'), '-a', place.path('table.csv')];
  await neomutt('', ['-s', 'The table', ...files, '--', address]);
  const mail = await eventually('the mail', async () => {
    const held = await place.mail();
    return held.INBOX === undefined ? undefined : held;
  });
  assert.deepEqual(mail, { INBOX: ['The table'], Sent: ['The table \\Seen'] });
  for (const mailbox of ['INBOX', 'Sent']) {
    const source = await place.source(mailbox);
    assert.match(source, /\r\nHere it is\.\r\n/);
    assert.match(source, /filename="?table\.csv"?[\s\S]*\r\na,b\r\n/);
  }
});
