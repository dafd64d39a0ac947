/** Aim: what does not fit its schema reaches no handler. Method: handlers that count how often they are asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlHandlers } from '../../../../src/actors/asks/control.ts';
import { askedHere } from '../../../../src/actors/asks/principal.ts';
import { checkedActs } from '../../../../src/app/control/checked-acts.ts';
import { MailError } from '../../../../src/base/errors.ts';

const call = {
  by: askedHere,
  body: new Uint8Array(0),
  signal: new AbortController().signal,
  emit: async () => {},
};

test('a handler is asked with what fits, and with nothing else', async () => {
  const asked: unknown[] = [];
  const handlers: ControlHandlers = checkedActs({
    'tenant.list': (params) => {
      asked.push(params);
      return { tenants: [] };
    },
  });
  const list = handlers['tenant.list']!;
  assert.deepEqual(await list({}, call), { tenants: [] });
  for (const wrong of [{ name: 'x' }, [], null, 'x', 7]) {
    await assert.rejects(
      async () => list(wrong as never, call),
      (error) => error instanceof MailError && error.code === 'argument-invalid',
      JSON.stringify(wrong),
    );
  }
  assert.deepEqual(asked, [{}]);
});

test('the refusal names the field', async () => {
  const handlers = checkedActs({ 'domain.delete': () => ({}) });
  await assert.rejects(async () => handlers['domain.delete']!({} as never, call), /\/name /);
});
