/**
 * Makes the policy snapshot that engine threads decide by, from settings and directory.
 *
 * Runs in:   main thread.
 * Invariant: a later snapshot has a higher revision.
 */

import type { DomainPolicy, PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import { defaultPolicy } from '../actors/asks/policy-snapshot.ts';
import { isSigning } from '../mail/trust/dkim/rotation.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Settings } from '../settings/schema.ts';

export class PolicySource {
  readonly #directory: AccountDirectory;
  #revision = 0;

  constructor(directory: AccountDirectory) {
    this.#directory = directory;
  }

  async snapshot(settings: Settings): Promise<PolicySnapshot> {
    const domains: Record<string, DomainPolicy> = {};
    for (const { name } of await this.#directory.domains()) {
      const keys = await this.#directory.dkimKeys(name);
      domains[name] = { dkim: keys.filter(isSigning) };
    }
    this.#revision++;
    return {
      ...defaultPolicy,
      revision: this.#revision,
      hostname: settings.hostname,
      authservId: settings.hostname,
      domains,
      alsoDomain: settings.dkim.alsoDomain.toLowerCase(),
      receivedCountMax: settings.smtp.receivedMax,
      verifyInbound: settings.verification.isOn,
      dmarc: settings.verification.dmarc,
    };
  }
}
