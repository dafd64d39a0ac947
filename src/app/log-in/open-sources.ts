/**
 * The directories elsewhere that settings name.
 *
 * Runs in:   main thread.
 */

import { nodeClock } from '../../adapters/node/clock.ts';
import { domainOf } from '../../base/address-parts.ts';
import { MailError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { CredentialCache } from '../../edge/guard/credential-cache.ts';
import type { Account } from '../../ports/account-directory.ts';
import { inheritables } from '../../ports/levels.ts';
import type { Person } from '../../ports/log-in-source.ts';
import type { Settings } from '../../settings/schema.ts';
import { makeAccount } from '../control/encryption.ts';
import type { Core } from '../core.ts';
import { type BoundSource, SourceLogIn } from './source-log-in.ts';
import { sourceNames } from './source-names.ts';

/** Undefined: settings name none. Closes with the core. */
export async function openSourceLogIn(
  { ldap }: Settings,
  core: Pick<Core, 'identity' | 'engine' | 'closers' | 'folder'>,
  cache: CredentialCache,
  log: Log,
): Promise<SourceLogIn | undefined> {
  if (ldap.sources.length === 0) return undefined;
  const { directory, credentials, secondFactors } = core.identity;
  const { router } = core.engine.runtime;
  const parts = { directory, router, clock: nodeClock, shards: core.folder.shards };
  const opened = new SourceLogIn({
    ...{ directory, credentials, secondFactors, cache, log },
    sources: await openLdap(ldap, log),
    nameOf: sourceNames(ldap.sources),
    askedMax: ldap.connectionsMax,
    create: (person) => createFor(parts, person),
  });
  core.closers.push(() => opened.close());
  return opened;
}

/** Most servers have none: what speaks LDAP is loaded for those that do. */
async function openLdap(ldap: Settings['ldap'], log: Log): Promise<readonly BoundSource[]> {
  const { LdapSource } = await import('../../adapters/ldap/source.ts');
  const { connectionsMax, answerMsMax } = ldap;
  return ldap.sources.map((setting) => {
    const { name: source, createsAccounts } = setting;
    const onAway = (why: string | undefined) => {
      if (why === undefined) log.info({ source }, 'the source of log-in answers again');
      else
        log.warn({ source, why }, 'the source of log-in is away: only who was in lately gets in');
    };
    const options = { setting, connectionsMax, answerMsMax, onAway, clock: nodeClock };
    return { source: new LdapSource(options), createsAccounts };
  });
}

async function createFor(
  parts: Parameters<typeof makeAccount>[0],
  { address, quotaBytes }: Person,
): Promise<Account> {
  const domain = await parts.directory.domain(domainOf(address));
  if (domain === undefined) throw new MailError('domain-missing', address);
  return await makeAccount(parts, {
    ...{ tenant: domain.tenant, address, isEnabled: true, sendAs: [] },
    ...{ quotaBytes: quotaBytes ?? 0, quotaMessages: 0 },
    inherits: inheritables.filter((name) => name !== 'quotaBytes' || quotaBytes === undefined),
    createdMs: parts.clock.nowMs(),
  });
}
