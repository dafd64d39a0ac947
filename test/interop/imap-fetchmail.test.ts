/**
 * Aim: fetchmail takes mail over IMAP: what is unread and no more, from any mailbox, and as it comes.
 * Method: the program against the real server; it hands what it took to a script that keeps it in a file.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { eventually } from '../support/test-server.ts';
import { address, ImapPlace, needs, password } from './imap-place.ts';

const nothingNew = 1;

/** Writes the settings, and answers the arguments to run by. */
function argsFor(place: ImapPlace, how: string): string[] {
  const deliver = place.path('deliver');
  writeFileSync(deliver, `#!/bin/sh\ncat >> '${place.path('taken')}'\n`, { mode: 0o700 });
  const settings = `set no syslog
poll 127.0.0.1 protocol imap port ${place.test.ports.imap}
  user "${address}" password "${password}" ${how} sslproto "TLS1.2+" no sslcertck mda "${deliver}"
`;
  writeFileSync(place.path('rc'), settings, { mode: 0o600 });
  return ['-f', place.path('rc'), '--pidfile', place.path('pid')];
}

function taken(place: ImapPlace): string[] {
  if (!existsSync(place.path('taken'))) return [];
  const text = readFileSync(place.path('taken'), 'utf8');
  return [...text.matchAll(/^Subject: (.*)$/gm)].map(([, subject]) => subject!);
}

it('fetchmail takes unread mail, and what it keeps is seen', needs('fetchmail'), async () => {
  await using place = await ImapPlace.open();
  await place.append('INBOX', 'one');
  await place.append('INBOX', 'two', '\\Seen');
  await place.append('INBOX', 'three', '\\Flagged');
  const fetchmail = (how: string) => place.run('fetchmail', argsFor(place, how));
  await fetchmail('keep');
  assert.deepEqual(taken(place), ['one', 'three']);
  assert.match(readFileSync(place.path('taken'), 'utf8'), /^Text of three\.$/m);
  const kept = ['one \\Seen', 'three \\Flagged \\Seen', 'two \\Seen'];
  assert.deepEqual(await place.mail(), { INBOX: kept });
  await assert.rejects(fetchmail('keep'), { code: nothingNew });
  await fetchmail('no keep fetchall');
  assert.deepEqual(taken(place), ['one', 'three', 'one', 'two', 'three']);
  assert.deepEqual(await place.mail(), {});
});

it('fetchmail empties the mailboxes it is told', needs('fetchmail'), async () => {
  await using place = await ImapPlace.open();
  await place.create('Work/Deep');
  await place.append('INBOX', 'stays');
  await place.append('Work/Deep', 'deep');
  await place.append('Junk', 'spam');
  await place.run('fetchmail', argsFor(place, 'no keep folder Work/Deep,Junk'));
  assert.deepEqual(taken(place), ['deep', 'spam']);
  assert.deepEqual(await place.mail(), { INBOX: ['stays'] });
});

it('fetchmail takes mail as it comes while it idles', needs('fetchmail'), async () => {
  await using place = await ImapPlace.open();
  await place.append('INBOX', 'one');
  const args = [...argsFor(place, 'no keep idle'), '--nodetach'];
  const env = { ...process.env, HOME: place.folder };
  const child = spawn('fetchmail', args, { cwd: place.folder, env, stdio: 'ignore' });
  try {
    for (const [subject, next] of [
      ['one', 'two'],
      ['two', 'three'],
    ] as const) {
      await eventually(subject, () => (taken(place).includes(subject) ? true : undefined));
      await place.append('INBOX', next);
    }
    await eventually('three', () => (taken(place).includes('three') ? true : undefined));
    assert.deepEqual(taken(place), ['one', 'two', 'three']);
    await eventually('an empty mailbox', async () =>
      (await place.mail()).INBOX === undefined ? true : undefined,
    );
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});
