/**
 * Aim: tenant keys from a file, a variable and a command wrap and unwrap alike, in several versions; what is wrong is
 *      said and nothing else happens.
 * Method: real files and a real command.
 */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createKeySource } from '../../../../src/adapters/keys/key-source.ts';
import { KeySourceError } from '../../../../src/ports/key-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaski-keys-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const hex = (digit: string) => digit.repeat(64);
const secret = new Uint8Array(32).fill(7);

/** Keeps nothing: it turns the bytes round, and refuses a context it was not told of. */
const command = `#!/bin/sh
case "$1 $2" in "wrap account 1"|"unwrap account 1") base64 -d | rev | base64 ;; *) exit 3 ;; esac
`;
writeFileSync(at('kms'), command);
chmodSync(at('kms'), 0o700);
writeFileSync(at('a.key'), `# of acme\n${hex('a')}\n`);

const references = [`file:${at('a.key')}`, 'env:CHASKI_KEY_A', `command:${at('kms')}`];

for (const reference of references) {
  test(`${reference.split(':')[0]}: what it wraps it unwraps, for the same context only`, async () => {
    const source = createKeySource({ CHASKI_KEY_A: hex('b') });
    const text = Buffer.from('0123456789abcdef0123456789abcde\n');
    const wrapped = await source.wrap(reference, 'account 1', text);
    assert.ok(!Buffer.from(wrapped).includes(text));
    assert.deepEqual(Buffer.from(await source.unwrap(reference, 'account 1', wrapped)), text);
    await assert.rejects(source.unwrap(reference, 'account 2', wrapped), KeySourceError);
  });
}

test('the newest of several versions wraps, and each unwraps what it wrapped', async () => {
  const older = createKeySource({ CHASKI_KEY_A: hex('1') });
  const both = createKeySource({
    CHASKI_KEY_A: `${hex('1')},${Buffer.alloc(32, 2).toString('base64')}`,
  });
  const newer = createKeySource({ CHASKI_KEY_A: '02'.repeat(32) });
  const wrapped = await older.wrap('env:CHASKI_KEY_A', 'c', secret);
  assert.deepEqual(new Uint8Array(await both.unwrap('env:CHASKI_KEY_A', 'c', wrapped)), secret);
  const again = await both.wrap('env:CHASKI_KEY_A', 'c', secret);
  assert.deepEqual(new Uint8Array(await newer.unwrap('env:CHASKI_KEY_A', 'c', again)), secret);
  await assert.rejects(older.unwrap('env:CHASKI_KEY_A', 'c', again), KeySourceError);
});

test('a key that is not there, or is no key, is said to be', async () => {
  const source = createKeySource({ CHASKI_KEY_B: 'short' });
  writeFileSync(at('empty.key'), '# nothing\n');
  for (const reference of [
    `file:${at('none.key')}`,
    `file:${at('empty.key')}`,
    'env:CHASKI_KEY_NONE',
    'env:CHASKI_KEY_B',
    'env:HOME',
    'file:relative.key',
    `command:${at('none')}`,
    'vault:x',
  ]) {
    await assert.rejects(source.wrap(reference, 'c', secret), KeySourceError, reference);
  }
});

test('a wrapped key with one bit changed does not open', async () => {
  const source = createKeySource({ CHASKI_KEY_A: hex('c') });
  const wrapped = await source.wrap('env:CHASKI_KEY_A', 'c', secret);
  for (const bit of [0, 70, 100, 200, 8 * wrapped.byteLength - 1]) {
    const spoiled = Uint8Array.from(wrapped);
    spoiled[bit >> 3]! ^= 1 << (bit & 7);
    await assert.rejects(source.unwrap('env:CHASKI_KEY_A', 'c', spoiled), KeySourceError);
  }
});
