/**
 * The policy snapshot in the form a thread works with: keys parsed, limits gathered.
 *
 * Runs in:   engine threads.
 * Invariant: made once per snapshot and thread, read for every message.
 */

import type { PolicySnapshot } from '../../actors/asks/policy-snapshot.ts';
import type { HeaderLimits } from '../../mail/formats/headers/scan.ts';
import { DkimSigner } from '../../mail/trust/dkim/sign.ts';

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
