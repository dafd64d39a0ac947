/**
 * Checks what is shown as a second factor: a time-based code, a recovery code, or a passkey.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 6238 §4 (SHA-1, steps of 30 s), §5.2 (a step before and after; a code is good once).
 * Invariant: a code that was good is spent before it is answered as good.
 */

import { createHash } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { secondMs } from '../../base/units.ts';
import type { Account } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecondFactorStore } from '../../ports/second-factors.ts';
import type { PasskeyShown, Passkeys } from './passkeys.ts';

const stepSeconds = 30;
const digits = 6;
const sixDigits = /^\d{6}$/;

/** A code, or what a browser answers of a passkey. */
export type FactorShown = string | PasskeyShown;

/** Whether it is a second factor of the account; one that is good is spent by it. */
export type CheckSecondFactor = (account: Account, shown: FactorShown) => Promise<boolean>;

type Store = Pick<SecondFactorStore, 'secondFactors' | 'useTotp' | 'useRecoveryCode'>;

export function secondFactorCheck(
  store: Store,
  clock: Clock,
  passkeys?: Pick<Passkeys, 'check'>,
): CheckSecondFactor {
  return async (account, shown) => {
    if (typeof shown !== 'string') return (await passkeys?.check(account, shown)) ?? false;
    const code = plain(shown);
    if (!sixDigits.test(code)) return await store.useRecoveryCode(account, recoveryHash(code));
    const { totps } = await store.secondFactors(account);
    for (const { id, secret, lastStep } of totps) {
      // One that was never confirmed may be known to nobody but who made it.
      const step = lastStep === 0 ? undefined : stepOf(secret, code, clock.nowMs());
      if (step !== undefined && (await store.useTotp(account, id, step))) return true;
    }
    return false;
  };
}

/** Six digits; recovery codes and passkeys are too long to guess. */
export function isGuessable(shown: FactorShown): boolean {
  return typeof shown === 'string' && sixDigits.test(plain(shown));
}

/** As the row keeps it; people leave hyphens out and change case. */
export function recoveryHash(code: string): string {
  return createHash('sha256').update(plain(code)).digest('hex');
}

function plain(code: string): string {
  return code.replace(/[\s-]/g, '').toLowerCase();
}

/** Undefined: the code is of none of the steps around `nowMs`. */
export function stepOf(secret: string, code: string, nowMs: number): number | undefined {
  const buffer = new Uint8Array(Buffer.from(secret, 'base64')).buffer;
  const totp = new TOTP({ secret: new Secret({ buffer }), digits, period: stepSeconds });
  const delta = totp.validate({ token: code, timestamp: nowMs, window: 1 });
  return delta === null ? undefined : Math.floor(nowMs / (stepSeconds * secondMs)) + delta;
}
