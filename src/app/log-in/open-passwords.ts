/**
 * Joins what passwords are set by, and passkeys made.
 *
 * Runs in: main thread, and offline commands.
 */

import type { Jobs } from '../../actors/jobs.ts';
import { openBreachedPasswords } from '../../adapters/files/breached-passwords.ts';
import { nodeClock } from '../../adapters/node/clock.ts';
import type { Log } from '../../base/log.ts';
import { FactorThrottle } from '../../edge/guard/factor-throttle.ts';
import type { Identity } from '../../ports/identity.ts';
import type { Settings } from '../../settings/schema.ts';
import { openPasskeys } from './open-passkeys.ts';
import { PasswordDesk } from './password-desk.ts';
import { PasswordJobs } from './password-jobs.ts';
import { sourceNames } from './source-names.ts';

export async function openPasswords(
  settings: Settings,
  { patientJobs }: { readonly patientJobs: Jobs },
  identity: Identity,
  log: Log,
) {
  const { credentials } = identity;
  const passwordJobs = new PasswordJobs(patientJobs);
  const { breachedPasswords: path } = settings.login;
  const breached = path === '' ? undefined : await openBreachedPasswords(path);
  const clock = nodeClock;
  const sourceOf = sourceNames(settings.ldap.sources);
  const passwords = new PasswordDesk({
    credentials,
    jobs: passwordJobs,
    clock,
    breached,
    sourceOf,
  });
  const passkeys = openPasskeys(settings, identity, log);
  return { passwordJobs, passwords, passkeys, factorThrottle: new FactorThrottle() };
}
