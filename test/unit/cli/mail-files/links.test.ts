/**
 * Aim:    whoever owns the folder that mail is read from, or written to, gets nothing by links laid there: neither
 *         what only the reader may read, nor that a file elsewhere is written over.
 * Method: links to a file and a folder outside, in each place where a source or a writer opens something.
 */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openEmlWriter } from '../../../../src/cli/mail-files/eml-writer.ts';
import { openMaildirWriter } from '../../../../src/cli/mail-files/maildir-writer.ts';
import { openMboxWriter } from '../../../../src/cli/mail-files/mbox-writer.ts';
import { openSource } from '../../../../src/cli/mail-files/source.ts';
import type { SourceItem } from '../../../../src/cli/mail-files/source-item.ts';

const text = 'A: b\r\n\r\nsecret\r\n';
const mailbox = { name: 'INBOX', uidValidity: 5 };
const message = { uid: 1, internalMs: 0, flags: ['own'], bytes: Buffer.from('A: b\r\n\r\n') };

/** A folder to work in, and beside it one with a file that is nobody else's business. */
function places(t: TestContext): { readonly root: string; readonly file: string } {
  const base = mkdtempSync(join(tmpdir(), 'chaski-links-'));
  t.after(() => rmSync(base, { recursive: true }));
  const root = join(base, 'root');
  mkdirSync(root);
  const elsewhere = join(base, 'elsewhere');
  mkdirSync(elsewhere);
  const file = join(elsewhere, '1');
  writeFileSync(file, text);
  return { root, file };
}

function messagesIn(root: string): SourceItem[] {
  const options = { separator: '.', quoting: 'mboxrd' } as const;
  const all = openSource(root, options).flatMap(({ items }) => [...items()]);
  return all.filter(({ kind }) => kind === 'message');
}

describe('what is read', () => {
  for (const part of ['cur', 'new']) {
    it(`is not in a link in place of a Maildir's ${part}`, (t) => {
      const { root, file } = places(t);
      mkdirSync(join(root, part === 'cur' ? 'new' : 'cur'));
      symlinkSync(join(file, '..'), join(root, part));
      assert.deepEqual(messagesIn(root), []);
    });
  }

  it('is no list that a link leads to', (t) => {
    const { root, file } = places(t);
    writeFileSync(file, '0 theirs\n');
    mkdirSync(join(root, 'cur'));
    writeFileSync(join(root, 'cur', '1:2,a'), text);
    symlinkSync(file, join(root, 'dovecot-keywords'));
    const [found] = messagesIn(root);
    assert.deepEqual(found?.kind === 'message' && found.flags, []);
    rmSync(join(root, 'dovecot-keywords'));
    writeFileSync(join(root, 'dovecot-keywords'), '0 own\n');
    const [own] = messagesIn(root);
    assert.deepEqual(own?.kind === 'message' && own.flags, ['own']);
  });
});

describe('what is written', () => {
  const writers = {
    eml: openEmlWriter,
    mbox: openMboxWriter,
    maildir: (root: string, of: typeof mailbox) => openMaildirWriter(root, of, () => {}),
  };
  const base = '0.V5U1.chaski,S=6,W=8';
  const links: readonly (readonly [format: keyof typeof writers, place: string])[] = [
    ['eml', 'INBOX/.1.eml.part'],
    ['eml', 'INBOX/messages.jsonl'],
    ['eml', 'INBOX/messages.jsonl.part'],
    ['mbox', 'INBOX.mbox'],
    ['mbox', 'INBOX.mbox.json.part'],
    ['maildir', 'dovecot-keywords'],
    ['maildir', 'dovecot-keywords.part'],
    ['maildir', `tmp/${base}`],
  ];
  for (const [format, place] of links) {
    it(`${format}: goes through no link at ${place}`, (t) => {
      const { root, file } = places(t);
      const path = join(root, place);
      mkdirSync(join(path, '..'), { recursive: true });
      symlinkSync(file, path);
      try {
        const writer = writers[format](root, mailbox);
        writer.write(message);
        writer.close();
      } catch (error) {
        assert.match(String(error), /not from an export|ELOOP/);
      }
      assert.equal(readFileSync(file, 'utf8'), text);
    });
  }

  for (const [format, link, name] of [
    ['eml', 'A', 'A/B'],
    ['mbox', 'A', 'A/B'],
    ['maildir', '.A', 'A'],
    ['maildir', 'cur', 'INBOX'],
    ['maildir', 'tmp', 'INBOX'],
  ] as const) {
    it(`${format}: goes into no folder that the link ${link} leads to`, (t) => {
      const { root, file } = places(t);
      symlinkSync(join(file, '..'), join(root, link));
      assert.throws(() => writers[format](root, { name, uidValidity: 5 }), /is a link/);
      assert.equal(existsSync(join(file, '..', 'B')), false);
      assert.equal(readFileSync(file, 'utf8'), text);
    });
  }
});
