/** Aim: folders of other servers go to the mailboxes a person would look for them in. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { planFolders } from '../../../../src/cli/migrate/folder-plan.ts';
import { rangesOf } from '../../../../src/cli/migrate/uid-set.ts';

const folder = (path: string, specialUse = '', delimiter = '.') => ({
  path,
  specialUse,
  delimiter,
  isSubscribed: false,
});
const roles = new Map([
  ['inbox', 'INBOX'],
  ['sent', 'Sent'],
  ['trash', 'Trash'],
]);
const choice = { wanted: [], unwanted: [], roles };

const targets = (folders: readonly ReturnType<typeof folder>[], more = {}) =>
  planFolders(folders, { ...choice, ...more }).map(({ path, target }) => `${path} → ${target}`);

it('goes by special use first, by name else, with this server’s separator', () => {
  const folders = [
    folder('INBOX'),
    folder('Gesendet', '\\Sent'),
    folder('Old Sent', '\\Sent'),
    folder('Lists.a/b.c'),
    folder('inbox.below'),
  ];
  assert.deepEqual(targets(folders), [
    'INBOX → INBOX',
    'Gesendet → Sent',
    'Old Sent → Old Sent',
    'Lists.a/b.c → Lists/a_b/c',
    'inbox.below → INBOX/below',
  ]);
});

it('leaves views out unless they are named, and what is not wanted', () => {
  const folders = [
    folder('[Gmail]/All Mail', '\\All', '/'),
    folder('[Gmail]/Starred', '\\Flagged', '/'),
    folder('A'),
    folder('B'),
  ];
  assert.deepEqual(targets(folders, { unwanted: ['B'] }), ['A → A']);
  assert.deepEqual(targets(folders, { wanted: ['[Gmail]/All Mail'] }), [
    '[Gmail]/All Mail → [Gmail]/All Mail',
  ]);
});

it('writes UIDs as ranges', () => {
  assert.equal(rangesOf([1, 2, 3, 7, 9, 10]), '1:3,7,9:10');
  assert.equal(rangesOf([5]), '5');
});
