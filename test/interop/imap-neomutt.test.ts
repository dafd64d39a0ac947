/**
 * Aim: neomutt does with a mailbox what a reader does, and a later run finds what changed meanwhile.
 * Method: neomutt on a terminal of `script`, its keys from `push`; what it sees it copies into a Maildir, flags and all.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { address, ImapPlace, needs, password } from './imap-place.ts';
import * as maildir from './maildir.ts';

/** Writes neomutt's settings, and answers how to run it. */
function setUp(place: ImapPlace): (keys: string) => Promise<unknown> {
  const lines = [
    `set imap_user = "${address}"`,
    `set imap_pass = "${password}"`,
    `set folder = "imaps://127.0.0.1:${place.test.ports.imaps}/"`,
    'set spool_file = "+INBOX"',
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
    '',
  ];
  writeFileSync(place.path('rc'), lines.join('\n'));
  return async (keys) => {
    writeFileSync(place.path('keys'), `push "${keys}"\n`);
    const settings = ['-n', '-F', place.path('rc'), '-e', `source ${place.path('keys')}`];
    const line = ['neomutt', ...settings].map((word) => `'${word}'`).join(' ');
    return await place.run('script', ['-qec', line, '/dev/null']);
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
