/**
 * The jobs that hash and check passwords: each takes some 40 ms, too long for any other thread.
 *
 * Runs in:   threads marked for jobs. `argon2Sync`, not the asynchronous one: libuv's pool is one per process, and
 *            journals sync there.
 */

import type { Handlers } from '../../actors/ask.ts';
import { passwordHashJob, passwordVerifyJob } from '../../actors/asks/job-asks.ts';
import { failure } from '../../base/errors.ts';
import {
  hashPassword,
  isPasswordAcceptable,
  saltBytes,
  verifyPassword,
} from '../../mail/trust/password.ts';
import type { Random } from '../../ports/random.ts';

export function passwordHandlers(random: Random): Handlers {
  return {
    [passwordHashJob]: (job) => {
      const { password } = job.meta as { readonly password: string };
      if (!isPasswordAcceptable(password)) {
        return failure('argument-invalid', 'a password has 1 to 1024 bytes');
      }
      return { ok: true, value: hashPassword(password, random.bytes(saltBytes)) };
    },
    [passwordVerifyJob]: (job) => {
      const { hash, password } = job.meta as { readonly hash: string; readonly password: string };
      return { ok: true, value: verifyPassword(hash, password) };
    },
  };
}
