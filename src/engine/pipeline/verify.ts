/**
 * Verifies untrusted mail on its way in and decides by DMARC whether it is taken.
 *
 * Runs in:   engine threads, as a pending ask: it waits for the DNS and holds no shard.
 * Specs:     RFC 9989 §5.4 (handling), RFC 8601 §5 (place of the results).
 * Invariant: only `dmarc=fail` under a policy of `reject` refuses, and only where the operator enforces; a temporary
 *            error never refuses. Never rejects.
 */

import { failure, type Result } from '../../base/errors.ts';
import type { Verdicts, Verification } from '../../mail/trust/verify.ts';
import type { Dns } from '../../ports/dns.ts';
import type { Policy } from './policy.ts';
import { type MessageToPrepare, refusedHeader } from './prepare.ts';

let verifier: Promise<typeof import('../../mail/trust/verify.ts')> | undefined;

/** Loads what verifies: some 0.4 s of a thread and 30 MB, so at a quiet moment and only where mail is verified. */
export function loadVerifier(): Promise<typeof import('../../mail/trust/verify.ts')> {
  verifier ??= import('../../mail/trust/verify.ts');
  return verifier;
}

export interface Verified {
  /** Authentication-Results with its line break: goes before all parts of the prepared message. */
  readonly field: Uint8Array;
  readonly verdicts: Verdicts;
  /** DMARC failed and its domain asks for quarantine (or for more than we enforce). */
  readonly isSuspicious: boolean;
}

/** Whether `verify` has anything to do for this message. */
export function needsVerification(message: MessageToPrepare, policy: Policy): boolean {
  return policy.snapshot.verifyInbound && !message.arrival.trusted;
}

export async function verify(
  message: MessageToPrepare,
  policy: Policy,
  dns: Dns,
): Promise<Result<Verified>> {
  // What would be refused anyway is not worth a look-up.
  const refused = refusedHeader(message.body, policy);
  if (refused !== undefined) return refused;
  let verification: Verification;
  try {
    verification = await (await loadVerifier()).verifyMessage(
      {
        message: message.body,
        sender: message.envelope.sender,
        peerAddress: message.arrival.peerAddress,
        helo: message.arrival.helo,
        authservId: policy.snapshot.authservId,
      },
      dns,
    );
  } catch (error) {
    return failure('verdict-missing', error instanceof Error ? error.message : String(error));
  }
  const { field, verdicts } = verification;
  const isFailing = verdicts.dmarc === 'fail';
  if (isFailing && verdicts.dmarcPolicy === 'reject' && policy.snapshot.dmarc === 'enforce') {
    return failure('policy-refused', 'DMARC failed and the author domain asks for rejection');
  }
  return { ok: true, field, verdicts, isSuspicious: isFailing && verdicts.dmarcPolicy !== 'none' };
}
