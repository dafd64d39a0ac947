/**
 * Aim:    archives as programs make them are read: their files, and whether they are locked.
 * Method: Debian's zip, 7z and python3; what is not there is skipped, and said.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkAttachments } from '../../src/mail/trust/attachments/check.ts';
import { usualAttachmentTypes } from '../../src/settings/attachment-types.ts';
import { messageWith } from '../support/zip-maker.ts';

const types = new Set(usualAttachmentTypes);
const python =
  'import sys,zipfile\nwith zipfile.ZipFile(sys.argv[1],"w",zipfile.ZIP_DEFLATED) as z:\n for n in sys.argv[2:]: z.write(n)';

const makers: readonly (readonly [string, readonly string[], string, readonly string[]])[] = [
  ['zip', ['-q', 'a.zip', 'run.js', 'note.txt'], 'a.zip', ['type js run.js']],
  ['zip', ['-q', '-P', 'secret', 'b.zip', 'note.txt'], 'b.zip', ['encrypted ZIP b.zip']],
  ['python3', ['-c', python, 'c.zip', 'run.js', 'note.txt'], 'c.zip', ['type js run.js']],
  ['7z', ['a', '-bd', '-psecret', '-mhe=on', 'd.7z', 'note.txt'], 'd.7z', ['encrypted 7z d.7z']],
  ['7z', ['a', '-bd', 'e.7z', 'note.txt'], 'e.7z', []],
  [
    '7z',
    ['a', '-bd', '-tzip', '-mem=AES256', '-psecret', 'f.zip', 'note.txt'],
    'f.zip',
    ['encrypted ZIP f.zip'],
  ],
];

for (const [program, line, file, wanted] of makers) {
  const isThere = spawnSync('which', [program]).status === 0;
  const skip = isThere ? {} : { skip: `${program} is not installed` };
  test(
    `${program} ${line[0] === '-c' ? 'zipfile' : line.slice(0, -1).join(' ')}`,
    skip,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'chaski-test-'));
      try {
        writeFileSync(join(folder, 'run.js'), 'alert(1)');
        writeFileSync(join(folder, 'note.txt'), 'a note');
        execFileSync(program, line, { cwd: folder, stdio: 'ignore' });
        const message = messageWith([[file, readFileSync(join(folder, file))]]);
        const findings = await checkAttachments(message, { types, isCut: false });
        assert.deepEqual(
          findings.map(({ kind, detail, name }) => `${kind} ${detail} ${name}`),
          wanted,
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
}
