/** Aim: what the job threads answer about passwords. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArrivedAsk } from '../../../../src/actors/ask.ts';
import {
  type PasswordSecrets,
  passwordJudgeJob,
  passwordSecretsJob,
  passwordVerifyJob,
} from '../../../../src/actors/asks/job-asks.ts';
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
    const secrets = () => {
      const meta = { password: 'secret', hasVerifiers: false };
      return (ask(passwordSecretsJob, meta) as { value: PasswordSecrets }).value;
    };
    const first = secrets();
    assert.notEqual(first.hash, secrets().hash);
    assert.deepEqual(first.verifiers, []);
    const check = (password: string) => ask(passwordVerifyJob, { hash: first.hash, password });
    assert.deepEqual(check('secret'), { ok: true, value: true });
    assert.deepEqual(check('Secret'), { ok: true, value: false });
  });

  it('make a verifier for each mechanism where they are wanted', () => {
    const meta = { password: 'secret', hasVerifiers: true };
    const { value } = ask(passwordSecretsJob, meta) as { value: PasswordSecrets };
    const names = value.verifiers.map(({ mechanism }) => mechanism);
    assert.deepEqual(names, ['SCRAM-SHA-256', 'SCRAM-SHA-1']);
    assert.notEqual(value.verifiers[0]!.salt, value.verifiers[1]!.salt);
  });

  it('judge a password by what is in the dictionaries, and by its owner', async () => {
    const score = async (password: string) => {
      const answer = await ask(passwordJudgeJob, { password, words: ['annabella'] });
      return (answer as { value: number }).value;
    };
    assert.equal(await score('password1'), 0);
    assert.ok((await score('annabella1')) <= 1);
    assert.equal(await score('vK7#pQz!m2Lx9'), 4);
  });

  it('say false for a user that is not there', () => {
    const answer = ask(passwordVerifyJob, { hash: '', password: 'secret' });
    assert.deepEqual(answer, { ok: true, value: false });
  });

  it('refuse to hash an empty or endless password', () => {
    for (const password of ['', 'x'.repeat(2_000)]) {
      assert.equal(
        (ask(passwordSecretsJob, { password, hasVerifiers: false }) as { code: string }).code,
        'argument-invalid',
      );
    }
  });
});
