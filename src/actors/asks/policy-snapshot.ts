/**
 * What a thread must know to prepare and verify messages: plain data, pushed to it by the main thread.
 *
 * Runs in:   both sides; plain data only.
 * Invariant: a snapshot is immutable; a change is a new snapshot with a higher revision.
 */

import { domainOf } from '../../base/address-parts.ts';
import type { Network } from '../../base/networks.ts';
import type { FeedbackKey } from '../../mail/trust/feedback/tokens.ts';
import type { DkimAlgorithm } from '../../ports/account-directory.ts';
import type { HoldRule } from '../../ports/hold-rule.ts';
import type { SpamLevels } from '../../ports/levels.ts';

export interface DkimKeyPolicy {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** PKCS#8. */
  readonly privatePem: string;
}

export interface DomainPolicy {
  /** All of them sign, in order. */
  readonly dkim: readonly DkimKeyPolicy[];
  /** Whose accounts have addresses of it. */
  readonly tenant?: number;
}

/** What becomes of mail whose domain's DMARC policy it fails. `mark`: it is taken, and the header says so. */
export type DmarcHandling = 'mark' | 'enforce';

/** What is done with strangers' mail that goes on to other servers. */
export interface ForwardingPolicy {
  /** Whose addresses its return paths are; "": they stay as they are. */
  readonly returnDomain: string;
  /** The newest first. */
  readonly srsSecrets: readonly string[];
  /** Whose key seals it; "": it is not sealed. */
  readonly arcDomain: string;
}

/** How mail is marked so that what comes back finds it. */
export interface FeedbackPolicy {
  /** Newest first. */
  readonly keys: readonly FeedbackKey[];
  readonly root: Uint8Array;
  /** "": senders keep their return path. */
  readonly bounceDomain: string;
  /** Of tenants, by number, that have one of their own. */
  readonly tenantBounceDomains: Readonly<Record<number, string>>;
  /** "": nothing is offered. */
  readonly unsubscribeUrl: string;
  /** As `${tenant}/${campaign}`. */
  readonly unsubscribeStreams: readonly string[];
}

export interface SievePolicy {
  readonly before: string;
  readonly after: string;
  /** By name: what scripts take in by `include :global`. */
  readonly globals: readonly (readonly [string, string])[];
  /** By name in lower case: addresses that scripts compare with. */
  readonly lists: readonly (readonly [string, string])[];
}

export interface PolicySnapshot {
  readonly revision: number;
  /** Our name in Received, in A-labels. */
  readonly hostname: string;
  /** Our name in Authentication-Results (RFC 8601 §2.5); fields of others that carry it are removed. */
  readonly authservId: string;
  /** By name in lower-case A-labels. */
  readonly domains: Readonly<Record<string, DomainPolicy>>;
  /** Signs all mail of who may relay, beside its author's domain; "" is none. */
  readonly alsoDomain: string;
  readonly forwarding: ForwardingPolicy;
  /** A message with more Received fields loops (RFC 5321 §6.3). */
  readonly receivedCountMax: number;
  readonly headerBytesMax: number;
  readonly headerFieldsMax: number;
  readonly headerLineBytesMax: number;
  /** Absent: nothing is marked. */
  readonly feedback?: FeedbackPolicy;
  readonly verifyInbound: boolean;
  readonly dmarc: DmarcHandling;
  /** Where mail goes that fails DMARC under a policy of quarantine, where policies are enforced. */
  readonly dmarcQuarantine: 'junk' | 'quarantine';
  /** Whose failures are forgiven: peers, and authors' domains in lower-case A-labels. */
  readonly dmarcExceptions: {
    readonly networks: readonly Network[];
    readonly domains: readonly string[];
  };
  /** Whose ARC seals are believed where DMARC fails, in lower-case A-labels. */
  readonly trustedSealers: readonly string[];
  /** Texts of the server's Sieve scripts; "": none. */
  readonly sieve: SievePolicy;
  /** What operators hold back. */
  readonly holdRules: readonly HoldRule[];
  readonly spam: SpamLevels;
  /** Where a domain's tenant says otherwise, by its name in lower-case A-labels. */
  readonly domainSpam: Readonly<Record<string, Partial<SpamLevels>>>;
}

export const defaultPolicy: PolicySnapshot = {
  revision: 0,
  hostname: 'localhost',
  authservId: 'localhost',
  domains: {},
  alsoDomain: '',
  forwarding: { returnDomain: '', srsSecrets: [], arcDomain: '' },
  receivedCountMax: 50,
  headerBytesMax: 262_144,
  headerFieldsMax: 2_000,
  headerLineBytesMax: 65_536,
  verifyInbound: true,
  dmarc: 'mark',
  dmarcQuarantine: 'junk',
  dmarcExceptions: { networks: [], domains: [] },
  trustedSealers: [],
  sieve: { before: '', after: '', globals: [], lists: [] },
  holdRules: [],
  spam: { junkPercent: 100, quarantinePercent: 0, rejectPercent: 0 },
  domainSpam: {},
};

/** Of mail for an address, from the nearest to the farthest. */
export function spamLevelsOf(
  { spam, domainSpam }: Pick<PolicySnapshot, 'spam' | 'domainSpam'>,
  recipient: string,
): readonly (Partial<SpamLevels> | undefined)[] {
  return [domainSpam[domainOf(recipient).toLowerCase()], spam];
}
