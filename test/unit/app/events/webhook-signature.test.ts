/**
 * Aim: a receiver that checks requests as docs/events.md says takes ours, old and new secrets in their time, and
 *      nothing that was changed.
 * Method: the example of the page itself.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { rotated, signatureOf } from '../../../../src/app/events/webhook-signature.ts';

type Check = (header: string, body: Uint8Array, secret: string, nowSeconds?: number) => boolean;

async function exampleOfThePage(): Promise<Check> {
  const page = readFileSync(new URL('../../../../docs/events.md', import.meta.url), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page)!;
  const module = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return module.isFromChaski as Check;
}

const nowMs = Date.UTC(2026, 0, 1);
const body = Buffer.from('{"events":[]}');

it('a request is taken by the example of the page, until it is old or changed', async () => {
  const check = await exampleOfThePage();
  const header = signatureOf([{ text: 'whsec_a', untilMs: 0 }], nowMs, body);
  const seconds = nowMs / 1_000;
  assert.equal(check(header, body, 'whsec_a', seconds), true);
  assert.equal(check(header, body, 'whsec_a', seconds + 301), false);
  assert.equal(check(header, body, 'whsec_b', seconds), false);
  assert.equal(check(header, Buffer.from('{"events":[1]}'), 'whsec_a', seconds), false);
  const moved = header.replace(/t=\d+/, `t=${seconds + 1}`);
  assert.equal(check(moved, body, 'whsec_a', seconds), false);
});

it('an old secret signs beside the new one for its time, and no more than one does', async () => {
  const check = await exampleOfThePage();
  const first = [{ text: 'whsec_a', untilMs: 0 }];
  const second = rotated(first, 'whsec_b', nowMs, 60_000);
  const third = rotated(second, 'whsec_c', nowMs + 1_000, 60_000);
  const signers = (secrets: typeof first | typeof second, atMs: number) => {
    const header = signatureOf(secrets, atMs, body);
    const all = ['whsec_a', 'whsec_b', 'whsec_c'];
    return all.filter((secret) => check(header, body, secret, atMs / 1_000));
  };
  assert.deepEqual(signers(second, nowMs), ['whsec_a', 'whsec_b']);
  assert.deepEqual(signers(second, nowMs + 60_000), ['whsec_b']);
  assert.deepEqual(signers(third, nowMs + 1_000), ['whsec_b', 'whsec_c']);
});
