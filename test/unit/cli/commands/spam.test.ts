/** Aim: a model is taught with files of every form, kept whole, and explains its scores. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '../run-cli.ts';

let folder = '';
const path = (name: string) => join(folder, name);
const mail = (subject: string, body: string) =>
  `From: ann@example.org\nSubject: ${subject}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\nMessage-ID: <1@example.org>\n\n${body}\n`;
const spamMail = (i: number) => mail(`prize ${i}`, 'claim the lottery money now');
const hamMail = (i: number) => mail(`review ${i}`, 'agenda of the project meeting');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chaski-spam-'));
  await mkdir(path('folder/below'), { recursive: true });
  await mkdir(path('Maildir/cur'), { recursive: true });
  for (let i = 0; i < 20; i++) {
    await writeFile(path(`folder/${i % 2 ? 'below/' : ''}${i}.txt`), spamMail(i));
    await writeFile(path(`Maildir/cur/${1_000 + i}.x:2,S`), hamMail(i));
  }
  const from = 'From ann@example.org Mon Nov 23 10:00:00 2026\n';
  await writeFile(path('box'), [1, 2, 3].map((i) => `${from}${hamMail(i)}\n`).join(''));
  await writeFile(path('spam.eml'), spamMail(99));
  await writeFile(path('ham.eml'), hamMail(99));
});
after(() => rm(folder, { recursive: true, force: true }));

async function json(...line: string[]) {
  const { code, out, error } = await runCli([...line, '--json']);
  return { code, answer: out === '' ? undefined : JSON.parse(out), error };
}

test('folders, a Maildir and an mbox are learnt, and scores follow', async () => {
  const model = ['--model', path('m')];
  const first = await json('spam', 'train', 'spam', path('folder'), ...model);
  assert.equal(first.code, 0, first.error);
  assert.equal(first.answer.learnt, 20);
  const second = await json('spam', 'train', 'ham', path('Maildir'), path('box'), ...model);
  assert.deepEqual([second.answer.learnt, second.answer.ham, second.answer.spam], [23, 23, 20]);
  const bad = await json('spam', 'score', path('spam.eml'), ...model);
  const good = await json('spam', 'score', path('ham.eml'), ...model);
  assert.ok(bad.answer.modelPoints > 0 && good.answer.modelPoints < 0);
  assert.ok(bad.answer.classification.strongest.length > 0);
  assert.match(bad.answer.status, /LEARNT=/);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('a damaged model is told, and not replaced', async () => {
  await writeFile(path('broken'), 'no model at all');
  for (const words of [
    ['score', path('ham.eml')],
    ['train', 'ham', path('box')],
  ]) {
    const { code, error } = await json('spam', ...words, '--model', path('broken'));
    assert.equal(code, 1);
    assert.match(error, /model-unreadable/);
  }
  assert.equal(await readFile(path('broken'), 'utf8'), 'no model at all');
});

test('without a model the rules speak; a named one must be there', async () => {
  const { answer, code } = await json('spam', 'score', path('spam.eml'), '--own', 'exarnple.org');
  assert.equal(code, 0);
  assert.deepEqual(
    answer.hits.map(({ rule }: { rule: string }) => rule),
    ['FROM_LOOKALIKE'],
  );
  assert.notEqual((await json('spam', 'score', path('spam.eml'), '--model', path('none'))).code, 0);
  assert.equal((await json('spam', 'train', 'eggs', path('box'))).code, 2);
});
