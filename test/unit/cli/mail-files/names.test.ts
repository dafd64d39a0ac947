/**
 * Aim:    whatever mailboxes are called, each is exported beside all others, and its next export goes on where this one
 *         ended.
 * Method: names that look like files of an export, and names that no file system takes, written and read back.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openEmlWriter } from '../../../../src/cli/mail-files/eml-writer.ts';
import { openMaildirWriter } from '../../../../src/cli/mail-files/maildir-writer.ts';
import { openMboxWriter } from '../../../../src/cli/mail-files/mbox-writer.ts';
import { openSource } from '../../../../src/cli/mail-files/source.ts';
import { fitting, folderName } from '../../../../src/cli/mail-files/writer.ts';

const writers = {
  eml: openEmlWriter,
  mbox: openMboxWriter,
  maildir: (root: string, of: { readonly name: string; readonly uidValidity: number }) =>
    openMaildirWriter(root, of, () => {}),
};
const plain = ['A', 'A/4294967295.eml', 'A/messages.jsonl', 'A.mbox/B', 'A.mbox.json/B', 'A.mbx'];
const dotted = ['..', '../..', '.', 'A/../B', '.ssh/x', 'x%2Fy', 'CR\\x'];
const long = [
  '語'.repeat(85),
  'x'.repeat(255),
  `${'%'.repeat(254)}a`,
  'ü/'.repeat(15) + 'é'.repeat(120),
];

describe('an export', () => {
  for (const [format, open] of Object.entries(writers)) {
    it(`as ${format} keeps mailboxes apart, whatever they are called, and goes on`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'chaski-names-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const root = join(folder, 'root');
      const names = [...plain, ...dotted, ...long];
      for (const last of [1, 2]) {
        for (const name of names) {
          const writer = open(root, { name, uidValidity: 5 });
          assert.equal(writer.firstUid, last, name);
          const bytes = Buffer.from(`Name: ${Buffer.from(name).toString('hex')}\r\n\r\n`);
          writer.write({ uid: last, internalMs: 0, flags: [], bytes });
          writer.close();
        }
      }
      const options = { format: format as 'eml', separator: '.', quoting: 'mboxrd' } as const;
      const found = new Map<string, number>();
      for (const { name, items } of openSource(root, options)) {
        for (const item of items()) {
          assert.ok(item.kind === 'message');
          const [, hex = ''] = /^Name: (\w+)/.exec(String(item.bytes)) ?? [];
          const was = Buffer.from(hex, 'hex').toString();
          found.set(was, (found.get(was) ?? 0) + 1);
          if (!long.includes(was)) assert.equal(name, was);
        }
      }
      assert.deepEqual(found, new Map(names.map((name) => [name, 2])));
    });
  }

  it('cuts a name between characters, and tells two with one beginning apart', () => {
    const one = fitting(folderName('語'.repeat(100)));
    assert.match(one, /^語+~[0-9a-f]{12}$/);
    assert.ok(Buffer.byteLength(one) <= 230);
    assert.notEqual(one, fitting(folderName(`${'語'.repeat(100)}x`)));
    assert.equal(fitting('x'.repeat(230)), 'x'.repeat(230));
  });
});
