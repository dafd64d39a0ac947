/** Aim: what is attached to a message in a file is shown, by the types that were asked for. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { messageWith } from '../../../support/zip-maker.ts';
import { runCli } from '../run-cli.ts';

let folder = '';
let file = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaski-attachments-'));
  file = join(folder, 'message.eml');
  const text = Buffer.from('text');
  const message = messageWith([
    ['run.exe', text],
    ['song.mp3', text],
  ]);
  await writeFile(file, String(message).replaceAll('\r\n', '\n'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function found(...line: string[]) {
  const { code, out, error } = await runCli(['attachments', ...line, '--json']);
  return {
    code,
    details: out === '' ? error : JSON.parse(out).map(({ detail }: { detail: string }) => detail),
  };
}

test('types are those of the settings, or those given, however they are written', async () => {
  assert.deepEqual(await found(file), { code: 1, details: ['exe'] });
  assert.deepEqual(await found(file, '--types', 'pdf, .MP3'), { code: 1, details: ['mp3'] });
  assert.deepEqual(await found(file, '--types', 'pdf'), { code: 0, details: [] });
});

test('a file that is not there is told', async () => {
  const { code, details } = await found(join(folder, 'none'));
  assert.equal(code, 1);
  assert.match(details, /ENOENT|no such file/);
});
