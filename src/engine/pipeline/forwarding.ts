/**
 * What becomes of a stranger's mail that an alias sends on to another server.
 *
 * Runs in:   engine threads; pure.
 * Specs:     SRS (`mail/trust/srs.ts`): SPF at the next server is that of the return path.
 * Invariant: our own reports go to the sender there was; only other servers see the return path.
 */

import type { Arrival, Envelope } from '../../actors/asks/reception.ts';
import { domainOf } from '../../base/address-parts.ts';
import { rewriteSender } from '../../mail/trust/srs.ts';
import type { Policy } from './policy.ts';

/** Whether some copy leaves. Of a stranger's mail, only what an alias leads out does. */
export function isForwarded({ recipients }: Envelope): boolean {
  return recipients.some(({ target }) => target.kind === 'remote');
}

/** The same envelope where it is no stranger's, or all of it stays here. */
export function withForwardTerms(
  envelope: Envelope,
  arrival: Pick<Arrival, 'trusted' | 'listener'>,
  policy: Policy,
  nowMs: number,
): Envelope {
  // What comes by LMTP another server of ours took, of whomever.
  const isStranger = !arrival.trusted || arrival.listener === 'lmtp';
  if (!isStranger || !isForwarded(envelope)) return envelope;
  const returnPath = returnPathOf(envelope.sender, policy, nowMs);
  const terms = { ...envelope.terms, isForwarded: true };
  return { ...envelope, terms: returnPath === undefined ? terms : { ...terms, returnPath } };
}

/** Undefined: its sender may stay. */
function returnPathOf(sender: string, { snapshot }: Policy, nowMs: number): string | undefined {
  const { returnDomain, srsSecrets } = snapshot.forwarding;
  if (returnDomain === '' || sender === '') return undefined;
  // Ours to send for as it is.
  if (Object.hasOwn(snapshot.domains, domainOf(sender).toLowerCase())) return undefined;
  return rewriteSender(sender, returnDomain, { secrets: srsSecrets }, nowMs);
}
