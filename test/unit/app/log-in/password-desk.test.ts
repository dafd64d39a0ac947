/** Aim: a password is taken where the tenant's rules have it, and refused by name of the rule. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openBreachedPasswords } from '../../../../src/adapters/files/breached-passwords.ts';
import { annsPassword, PasswordWorld } from '../../../support/password-world.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase();

test('each rule refuses what it names, and changes nothing', async () => {
  const world = await PasswordWorld.open();
  const { credentials } = world.identity;
  const before = (await world.annNow()).passwordHash;
  const refused = (password: string, why: RegExp) =>
    assert.rejects(world.desk.set(world.ann, password), why);
  await refused('seven77', /7 characters, and 8/);
  await refused('😀😀😀😀😀😀😀', /7 characters/);
  world.breachedHashes.add(sha1('stolen elsewhere'));
  await refused('stolen elsewhere', /stolen/);
  await world.setPolicy({ password: { scoreMin: 3, refusesBreached: false } });
  await refused('password1', /guessed \(0 of 4, and 3/);
  await refused('ann@local.test', /guessed/);
  assert.equal((await world.annNow()).passwordHash, before);
  await world.desk.set(world.ann, 'vK7#pQz!m2Lx9');
  assert.equal(await world.check('vK7#pQz!m2Lx9'), 'ann@local.test');
  assert.ok((await credentials.password(world.ann)).setMs > 0);
});

test('what was used before comes again only when it is out of the history', async () => {
  const world = await PasswordWorld.open();
  await world.setPolicy({ password: { historyMax: 2 } });
  const set = async (password: string) =>
    await world.desk.set(await world.annNow(), password).then(
      () => 'set',
      (error: Error) => /used before/.test(error.message),
    );
  assert.equal(await set(annsPassword), true, 'the one it is');
  assert.equal(await set('second one'), 'set');
  assert.equal(await set('third one'), 'set');
  assert.equal(await set(annsPassword), true);
  assert.equal(await set('fourth one'), 'set');
  assert.equal(await set(annsPassword), 'set');
});

test('a hash that nobody can check is not taken', async () => {
  const world = await PasswordWorld.open();
  await assert.rejects(world.desk.setHash(world.ann, '{CLEAR}x'), /no kind/);
  assert.equal(await world.check(annsPassword), 'ann@local.test');
});

test('every line of a sorted list is found, and nothing between them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-breached-'));
  try {
    const words = Array.from({ length: 500 }, (_, i) => `word ${i}`);
    const lines = words
      .map((word, i) => (i % 3 === 0 ? sha1(word) : `${sha1(word)}:${i ** 3}`))
      .sort();
    for (const [name, text] of [
      ['lf', `${lines.join('\n')}\n`],
      ['crlf', `${lines.join('\r\n')}\r\n`],
      ['open end', lines.join('\n')],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, text);
      const list = await openBreachedPasswords(path);
      for (const word of words) assert.ok(await list.has(sha1(word)), `${name}: ${word}`);
      for (let i = 0; i < 100; i++) assert.ok(!(await list.has(sha1(`other ${i}`))), name);
      assert.ok(!(await list.has('0'.repeat(40))));
      assert.ok(!(await list.has('F'.repeat(40))));
    }
    await writeFile(join(folder, 'text'), 'password\n');
    await assert.rejects(openBreachedPasswords(join(folder, 'text')), /first line/);
    await assert.rejects(openBreachedPasswords(join(folder, 'none')), /ENOENT/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
