/** Aim: what the job threads answer about passwords. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArrivedAsk } from '../../../../src/actors/ask.ts';
import { passwordHashJob, passwordVerifyJob } from '../../../../src/actors/asks/job-asks.ts';
import { shardId } from '../../../../src/base/ids.ts';
import { passwordHandlers } from '../../../../src/engine/jobs/password-job.ts';

let salts = 0;
const handlers = passwordHandlers({
  bytes: (length) => new Uint8Array(length).fill(salts++),
  fraction: () => 0,
});

function ask(name: string, meta: unknown): unknown {
  const arrived: ArrivedAsk = {
    shard: shardId(0),
    actor: '',
    name,
    key: '',
    class: 'short',
    lane: 'normal',
    deadlineMs: 0,
    meta,
    body: new Uint8Array(0),
  };
  return handlers[name]!(arrived, { isFull: false });
}

describe('password jobs', () => {
  it('give a hash that only the same password fits, with a salt of its own', () => {
    const first = ask(passwordHashJob, { password: 'secret' }) as { value: string };
    const second = ask(passwordHashJob, { password: 'secret' }) as { value: string };
    assert.notEqual(first.value, second.value);
    const check = (password: string) => ask(passwordVerifyJob, { hash: first.value, password });
    assert.deepEqual(check('secret'), { ok: true, value: true });
    assert.deepEqual(check('Secret'), { ok: true, value: false });
  });

  it('say false for a user that is not there', () => {
    const answer = ask(passwordVerifyJob, { hash: '', password: 'secret' });
    assert.deepEqual(answer, { ok: true, value: false });
  });

  it('refuse to hash an empty or endless password', () => {
    for (const password of ['', 'x'.repeat(2_000)]) {
      assert.equal(
        (ask(passwordHashJob, { password }) as { code: string }).code,
        'argument-invalid',
      );
    }
  });
});
