/** Aim: only the secret that was given out passes. Method: keys of a directory in memory, shown right and wrong. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDirectory } from '../../../../src/adapters/memory/memory-directory.ts';
import { type ApiKeyId, defaultTenant } from '../../../../src/base/ids.ts';
import {
  apiKeyShown,
  hashOfSecret,
  secretBytes,
  writeApiKey,
} from '../../../../src/edge/guard/api-keys.ts';

const secret = new Uint8Array(secretBytes).fill(0xfb);

async function directoryWithKey() {
  const directory = createMemoryDirectory();
  const key = await directory.createApiKey({
    tenant: defaultTenant,
    name: '',
    scopes: ['send'],
    hash: hashOfSecret(secret).toString('hex'),
    messagesPerMinuteMax: 0,
    createdMs: 0,
  });
  return { directory, key };
}

test('a bearer of the secret is the key’s', async () => {
  const { directory, key } = await directoryWithKey();
  const text = writeApiKey(key.id, secret);
  assert.match(text, /^chaski_1_[A-Za-z0-9_-]{43}$/);
  for (const shown of [`Bearer ${text}`, `bearer  ${text} `]) {
    assert.deepEqual(await apiKeyShown(directory, shown), key, shown);
  }
});

test('another secret, number, scheme or shape is nobody’s', async () => {
  const { directory, key } = await directoryWithKey();
  const text = writeApiKey(key.id, secret);
  const other = new Uint8Array(secretBytes);
  const wrong = [
    undefined,
    '',
    text,
    `Basic ${text}`,
    `Bearer ${writeApiKey(key.id, other)}`,
    `Bearer ${writeApiKey(2 as ApiKeyId, secret)}`,
    `Bearer ${text}x`,
    `Bearer ${text} ${text}`,
    `Bearer chaski_9999999999_${text.slice(-43)}`,
    `Bearer ${text.replace('_1_', '_01_')}`,
  ];
  for (const shown of wrong) assert.equal(await apiKeyShown(directory, shown), undefined, shown);
  await directory.deleteApiKey(key.id);
  assert.equal(await apiKeyShown(directory, `Bearer ${text}`), undefined);
});
