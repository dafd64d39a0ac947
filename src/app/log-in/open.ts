/**
 * Joins what log-ins are checked by.
 *
 * Runs in: main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { nodeRandom } from '../../adapters/node/random.ts';
import type { Log } from '../../base/log.ts';
import { CredentialCache } from '../../edge/guard/credential-cache.ts';
import type { IssuerLogIn } from '../../edge/guard/issuer-log-in.ts';
import { LiveSessions } from '../../edge/guard/live-sessions.ts';
import type { CheckCredentials, LogIn } from '../../edge/guard/log-in.ts';
import type { CertificateCheck, Proofs } from '../../edge/guard/proofs.ts';
import type { Sessions } from '../../edge/guard/sessions.ts';
import type { Settings } from '../../settings/schema.ts';
import type { Core } from '../core.ts';
import { issuerTokenCheck } from './issuer-tokens.ts';
import { PasswordLogIn } from './log-in.ts';
import { openIssuers } from './open-issuers.ts';
import { openSourceLogIn } from './open-sources.ts';
import { PasswordUpgrades } from './password-upgrades.ts';
import { DirectoryScram } from './scram-check.ts';
import { openScramKey } from './scram-key.ts';
import type { SourceLogIn } from './source-log-in.ts';
import { sourceNames } from './source-names.ts';
import { standingIn } from './standing.ts';
import { tokenCheck } from './token-check.ts';

export interface OpenedLogIn {
  readonly check: CheckCredentials;
  readonly isSamePassword: NonNullable<LogIn['isSamePassword']>;
  readonly proofs: Proofs;
  readonly live: LiveSessions;
  /** Undefined: settings name none. */
  readonly sources: SourceLogIn | undefined;
  /** By the web, with issuers that are not ours. */
  readonly byIssuer: IssuerLogIn;
}

export async function openLogIn(given: {
  readonly settings: Settings;
  readonly core: Core;
  readonly log: Log;
  readonly sessions: Sessions;
  readonly certificates: CertificateCheck;
}): Promise<OpenedLogIn> {
  const { settings, core, log, sessions, certificates } = given;
  const { identity, passwordJobs: jobs } = core;
  const { directory, credentials, secondFactors } = identity;
  const shared = { clock: nodeClock, random: nodeRandom };
  const upgrades = new PasswordUpgrades(credentials, jobs, log);
  const cache = new CredentialCache(nodeClock, nodeRandom, settings.login.cacheMs);
  const sourceOf = sourceNames(settings.ldap.sources);
  const sources = await openSourceLogIn(settings, core, cache, log);
  const { check } = new PasswordLogIn({
    ...{ directory, credentials, secondFactors, jobs, log, clock: nodeClock, upgrades, cache },
    ...(sources === undefined ? {} : { sources }),
  });
  const key = await openScramKey(core.folder.path, nodeRandom);
  const scram = await DirectoryScram.open({ ...shared, identity, key, log, sourceOf });
  const standing = standingIn({ identity, upgrades, sourceOf, clock: nodeClock });
  const live = new LiveSessions({
    ...{ directory, standing, clock: nodeClock, log },
    sessionsMax: settings.guard.sessionsPerAccountMax,
  });
  core.closers.push(async () => live.close());
  const own = tokenCheck(sessions, directory);
  const issuers = openIssuers(settings, core, log);
  const tokens = issuerTokenCheck({ identity, issuers: issuers.sources, own });
  const proofs = { scram, tokens, certificates };
  const isSamePassword = upgrades.isSame.bind(upgrades);
  return { check, isSamePassword, live, proofs, sources, byIssuer: issuers.logIn };
}
