/**
 * What of an account lets in now, for sessions that were let in before.
 *
 * Runs in:   main thread.
 */

import type { Standing } from '../../edge/guard/live-sessions.ts';
import { mayLogIn } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import { isPasswordEnough } from './admission.ts';
import type { PasswordUpgrades } from './password-upgrades.ts';
import { noSources, type SourceNameOf } from './source-names.ts';

export interface StandingParts {
  readonly identity: Pick<Identity, 'directory' | 'credentials' | 'secondFactors'>;
  readonly upgrades: Pick<PasswordUpgrades, 'isSame'>;
  /** Who checks main passwords elsewhere; absent: nobody. */
  readonly sourceOf?: SourceNameOf;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function standingIn({
  identity,
  upgrades,
  sourceOf = noSources,
  clock,
}: StandingParts): Standing {
  const { directory, credentials } = identity;
  return async (of) => {
    const account = await directory.accountById(of.id);
    if (account?.tenant !== of.tenant || !mayLogIn(account)) return () => false;
    const isEnough = await isPasswordEnough(identity, of);
    const { logIn } = await credentials.policy(of.tenant);
    const nowMs = clock.nowMs();
    const appPasswords = new Set((await credentials.appPasswords(of)).map(({ id }) => id));
    const sessions = new Set(
      (await credentials.sessions(of))
        .filter(({ expiresMs }) => expiresMs > nowMs)
        .filter(({ secondFactorMs }) => secondFactorMs > 0 || !logIn.needsSecondFactor)
        .map(({ id }) => id),
    );
    const isNotOver = ({ untilMs }: { readonly untilMs: number }) =>
      untilMs === 0 || untilMs > nowMs;
    return (admission) => {
      switch (admission.kind) {
        case 'password':
          return (
            isEnough &&
            sourceOf(account.address) === undefined &&
            upgrades.isSame(of.id, admission.hash, account.passwordHash)
          );
        case 'app-password':
          return appPasswords.has(admission.id) && isNotOver(admission);
        case 'session':
          return sessions.has(admission.id);
        case 'issuer':
          return (isEnough || admission.isWithSecondFactor) && isNotOver(admission);
        case 'source':
          return isEnough && sourceOf(account.address) === admission.source;
        case 'certificate':
          return logIn.allowsCertificates === true;
        case 'other':
          return true;
      }
    };
  };
}
