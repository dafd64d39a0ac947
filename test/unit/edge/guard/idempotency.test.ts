/** Aim: the same key is found however it is written, and none where there is none. Method: headers by hand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultTenant, type TenantId } from '../../../../src/base/ids.ts';
import {
  idempotencyHash,
  idempotencyOf,
  isIdempotencyKey,
} from '../../../../src/edge/guard/idempotency.ts';

const parts = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const wanted = idempotencyHash(defaultTenant, 'order 17');

test('a key is one tenant’s, and each message of a request has its own', () => {
  const other = idempotencyHash(1 as TenantId, 'order 17');
  const next = idempotencyHash(defaultTenant, 'order 17', 1);
  assert.equal(new Set([wanted, other, next]).size, 3);
  assert.match(wanted, /^[0-9a-f]{32}$/);
});

test('the header’s key is found in any usual case and across parts', () => {
  const found = [
    parts('From: a\r\nX-Chaski-Idempotency-Key: order 17\r\n\r\ntext'),
    parts('x-chaski-idempotency-key:order 17 \r\n\r\n'),
    parts('X-CHASKI-IDEMPOTENCY-KEY:\r\n order 17\r\n\r\n'),
    parts('From: a\r\nX-Chaski-Idem', 'potency-Key: order 17\r\n\r\ntext'),
  ];
  for (const message of found) assert.equal(idempotencyOf(defaultTenant, message), wanted);
});

test('what is no key, stands twice or in the body is not read', () => {
  const field = 'X-Chaski-Idempotency-Key: order 17\r\n';
  const none = [
    [],
    parts(''),
    parts('From: a\r\n\r\n', field),
    parts(`From: a\r\n\r\n${field}`),
    parts(`${field}${field}\r\n`),
    parts('X-Chaski-Idempotency-Key: \r\n\r\n'),
    parts(`X-Chaski-Idempotency-Key: ${'x'.repeat(256)}\r\n\r\n`),
    parts('X-Chaski-Idempotency-Key: ü\r\n\r\n'),
    parts('Subject: X-Chaski-Idempotency-Key: order 17\r\n\r\n'),
  ];
  for (const message of none) assert.equal(idempotencyOf(defaultTenant, message), undefined);
  assert.equal(isIdempotencyKey('x'.repeat(255)), true);
  assert.equal(isIdempotencyKey('x'.repeat(256)), false);
});
