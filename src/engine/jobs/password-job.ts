/**
 * The jobs that hash, check and judge passwords: each takes some 40 ms, too long for any other thread.
 *
 * Runs in:   threads marked for jobs. `argon2Sync`, not the asynchronous one: libuv's pool is one per process, and
 *            journals sync there.
 */

import type { Handlers } from '../../actors/ask.ts';
import {
  type PasswordJudgeMeta,
  type PasswordSecrets,
  type PasswordSecretsMeta,
  passwordJudgeJob,
  passwordSecretsJob,
  passwordVerifyJob,
} from '../../actors/asks/job-asks.ts';
import { failure } from '../../base/errors.ts';
import {
  hashPassword,
  isPasswordAcceptable,
  saltBytes,
  verifyPassword,
} from '../../mail/trust/password.ts';
import { passwordScore } from '../../mail/trust/password-score.ts';
import { makeScramRows } from '../../mail/trust/scram-rows.ts';
import type { Random } from '../../ports/random.ts';

export function passwordHandlers(random: Random): Handlers {
  return {
    [passwordSecretsJob]: (job) => {
      const { password, hasVerifiers } = job.meta as PasswordSecretsMeta;
      if (!isPasswordAcceptable(password)) {
        return failure('argument-invalid', 'a password has 1 to 1024 bytes');
      }
      const hash = hashPassword(password, random.bytes(saltBytes));
      const salt = (bytes: number) => random.bytes(bytes);
      const verifiers = hasVerifiers ? makeScramRows(password, salt) : [];
      return { ok: true, value: { hash, verifiers } satisfies PasswordSecrets };
    },
    [passwordVerifyJob]: (job) => {
      const { hash, password } = job.meta as { readonly hash: string; readonly password: string };
      return { ok: true, value: verifyPassword(hash, password) };
    },
    [passwordJudgeJob]: async (job) => {
      const { password, words } = job.meta as PasswordJudgeMeta;
      return { ok: true, value: await passwordScore(password, words) };
    },
  };
}
