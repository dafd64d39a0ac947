/** Aim: folders of Maildir++ lead to the mailboxes Dovecot and Courier mean by them, and back. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  readFolderName,
  writeFolderName,
} from '../../../../../src/mail/formats/maildir/folder-name.ts';

it('a folder of Maildir++ gives its levels, decoded', () => {
  assert.deepEqual(readFolderName('.Lists.2026'), ['Lists', '2026']);
  assert.deepEqual(readFolderName('.Entw&APw-rfe'), ['Entwürfe']);
  assert.deepEqual(readFolderName('.Entwürfe'), ['Entwürfe']);
  assert.deepEqual(readFolderName('.a\\2eb.c'), ['a.b', 'c']);
  assert.deepEqual(readFolderName('.a^b', '^'), ['a', 'b']);
  assert.deepEqual(readFolderName('cur'), []);
});

it('a mailbox written as a folder is read back', () => {
  for (const name of ['Sent', 'A/B', 'v1.2/x', 'Entwürfe/ñ', 'a & b', 'back\\slash', '日本']) {
    assert.equal(readFolderName(writeFolderName(name)).join('/'), name);
  }
});
