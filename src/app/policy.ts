/**
 * Makes the policy snapshot that engine threads decide by, from settings and directory.
 *
 * Runs in:   main thread.
 * Invariant: a later snapshot has a higher revision.
 */

import type {
  DomainPolicy,
  FeedbackPolicy,
  ForwardingPolicy,
  PolicySnapshot,
} from '../actors/asks/policy-snapshot.ts';
import { defaultPolicy } from '../actors/asks/policy-snapshot.ts';
import { isSigning } from '../mail/trust/dkim/rotation.ts';
import type { AccountDirectory, Domain } from '../ports/account-directory.ts';
import type { SpamLevels } from '../ports/levels.ts';
import type { Settings } from '../settings/schema.ts';
import type { Feedback } from './feedback.ts';
import { readServerScripts } from './sieve-scripts.ts';

export class PolicySource {
  readonly #directory: AccountDirectory;
  readonly #feedback: Pick<Feedback, 'keys' | 'setDomains'>;
  #revision = 0;

  /** `feedback` is told at which domains bounces come back by each snapshot. */
  constructor(directory: AccountDirectory, feedback: Pick<Feedback, 'keys' | 'setDomains'>) {
    this.#directory = directory;
    this.#feedback = feedback;
  }

  async snapshot(settings: Settings): Promise<PolicySnapshot> {
    const domains: Record<string, DomainPolicy> = {};
    const all = await this.#directory.domains();
    for (const { name, tenant } of all) {
      const keys = await this.#directory.dkimKeys(name);
      domains[name] = { dkim: keys.filter(isSigning), tenant };
    }
    this.#revision++;
    return {
      ...defaultPolicy,
      revision: this.#revision,
      hostname: settings.hostname,
      authservId: settings.hostname,
      domains,
      forwarding: await this.#forwarding(settings, all),
      sieve: await readServerScripts(settings),
      holdRules: await this.#directory.holdRules(),
      feedback: await this.#feedbackPolicy(settings),
      alsoDomain: settings.dkim.alsoDomain.toLowerCase(),
      receivedCountMax: settings.smtp.receivedMax,
      verifyInbound: settings.verification.isOn,
      dmarc: settings.verification.dmarc,
      dmarcQuarantine: settings.verification.dmarcQuarantine,
      dmarcExceptions: {
        networks: settings.verification.dmarcExceptNetworks,
        domains: settings.verification.dmarcExceptDomains,
      },
      trustedSealers: settings.verification.trustedSealers,
      spam: spamLevelsIn(settings),
      domainSpam: await this.#domainSpam(all),
    };
  }

  async #domainSpam(domains: readonly Domain[]): Promise<Record<string, Partial<SpamLevels>>> {
    const levels = new Map((await this.#directory.tenants()).map(({ id, spam }) => [id, spam]));
    const found: Record<string, Partial<SpamLevels>> = {};
    for (const { name, tenant } of domains) {
      const said = levels.get(tenant);
      if (said !== undefined) found[name] = said;
    }
    return found;
  }

  async #forwarding(
    { forwarding }: Settings,
    domains: readonly Domain[],
  ): Promise<ForwardingPolicy> {
    const oldest = domains.reduce<Domain | undefined>(
      (first, each) => (first === undefined || each.createdMs < first.createdMs ? each : first),
      undefined,
    );
    const domain =
      forwarding.domain === '' ? (oldest?.name ?? '') : forwarding.domain.toLowerCase();
    // Return paths must come back here.
    const isOurs = domains.some(({ name }) => name === domain);
    return {
      returnDomain: forwarding.srs && isOurs ? domain : '',
      srsSecrets: (await this.#directory.srsSecrets()).map(({ secret }) => secret),
      arcDomain: forwarding.arc ? domain : '',
    };
  }

  /** A tenant that is not there has no campaign and no domain. */
  async #feedbackPolicy({ feedback }: Settings): Promise<FeedbackPolicy> {
    const { bounceDomain, unsubscribeUrl } = feedback;
    const unsubscribeStreams: string[] = [];
    for (const stream of feedback.unsubscribeStreams) {
      const slash = stream.indexOf('/');
      const tenant = await this.#directory.tenantByName(stream.slice(0, slash));
      if (tenant !== undefined) unsubscribeStreams.push(`${tenant.id}${stream.slice(slash)}`);
    }
    const tenantBounceDomains: Record<number, string> = {};
    for (const given of feedback.tenantBounceDomains) {
      const [name = '', domain = ''] = given.split('=');
      const tenant = await this.#directory.tenantByName(name);
      if (tenant !== undefined) tenantBounceDomains[tenant.id] = domain;
    }
    const domains = { bounceDomain, tenantBounceDomains };
    this.#feedback.setDomains(domains);
    return { ...this.#feedback.keys, ...domains, unsubscribeUrl, unsubscribeStreams };
  }
}

function spamLevelsIn({ spam }: Settings): SpamLevels {
  const { junkPercent, quarantinePercent, rejectPercent } = spam;
  return { junkPercent, quarantinePercent, rejectPercent };
}
