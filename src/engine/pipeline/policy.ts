/**
 * What a thread must know to prepare and verify messages: plain data pushed to it, and the form it works with.
 *
 * Runs in:   engine threads (the compiled form), any thread (the snapshot).
 * Invariant: a snapshot is immutable; a change is a new snapshot with a higher revision.
 */

import type { HeaderLimits } from '../../mail/formats/headers/scan.ts';
import type { DkimAlgorithm } from '../../mail/trust/dkim/sign.ts';
import { DkimSigner } from '../../mail/trust/dkim/sign.ts';

export interface DkimKeyPolicy {
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** PKCS#8. */
  readonly privatePem: string;
}

export interface DomainPolicy {
  /** All of them sign, in order. */
  readonly dkim: readonly DkimKeyPolicy[];
}

/** What becomes of mail whose domain's DMARC policy it fails. `mark`: it is taken, and the header says so. */
export const dmarcHandlings = ['mark', 'enforce'] as const;
export type DmarcHandling = (typeof dmarcHandlings)[number];

export interface PolicySnapshot {
  readonly revision: number;
  /** Our name in Received, in A-labels. */
  readonly hostname: string;
  /** Our name in Authentication-Results (RFC 8601 §2.5); fields of others that carry it are removed. */
  readonly authservId: string;
  /** By name in lower-case A-labels. */
  readonly domains: Readonly<Record<string, DomainPolicy>>;
  /** A message with more Received fields loops (RFC 5321 §6.3). */
  readonly receivedCountMax: number;
  readonly headerBytesMax: number;
  readonly headerFieldsMax: number;
  readonly headerLineBytesMax: number;
  readonly verifyInbound: boolean;
  readonly dmarc: DmarcHandling;
}

export const defaultPolicy: PolicySnapshot = {
  revision: 0,
  hostname: 'localhost',
  authservId: 'localhost',
  domains: {},
  receivedCountMax: 50,
  headerBytesMax: 262_144,
  headerFieldsMax: 2_000,
  headerLineBytesMax: 65_536,
  verifyInbound: true,
  dmarc: 'mark',
};

/** A snapshot with its keys parsed: made once per snapshot and thread, read for every message. */
export interface Policy {
  readonly snapshot: PolicySnapshot;
  readonly headerLimits: HeaderLimits;
  /** Names that are ours in Authentication-Results, in lower case. */
  readonly authservIds: ReadonlySet<string>;
  /** Signers by domain; domains without keys are absent. */
  readonly signers: ReadonlyMap<string, readonly DkimSigner[]>;
}

/** @throws Error when a private key cannot be read. */
export function compilePolicy(snapshot: PolicySnapshot): Policy {
  const signers = new Map<string, readonly DkimSigner[]>();
  for (const [domain, { dkim }] of Object.entries(snapshot.domains)) {
    if (dkim.length > 0)
      signers.set(
        domain,
        dkim.map((key) => new DkimSigner({ domain, ...key })),
      );
  }
  return {
    snapshot,
    headerLimits: {
      headerBytesMax: snapshot.headerBytesMax,
      fieldsMax: snapshot.headerFieldsMax,
      lineBytesMax: snapshot.headerLineBytesMax,
    },
    authservIds: new Set([snapshot.authservId.toLowerCase(), snapshot.hostname.toLowerCase()]),
    signers,
  };
}
