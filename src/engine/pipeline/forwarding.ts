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

/** The same envelope where its sender may stay. */
export function withReturnPath(
  envelope: Envelope,
  arrival: Arrival,
  { snapshot }: Policy,
  nowMs: number,
): Envelope {
  const { returnDomain, srsSecrets } = snapshot.forwarding;
  const { sender } = envelope;
  // What comes by LMTP another server of ours took, of whomever.
  const isStranger = !arrival.trusted || arrival.listener === 'lmtp';
  if (!isStranger || returnDomain === '' || sender === '' || !isForwarded(envelope))
    return envelope;
  // Ours to send for as it is.
  if (Object.hasOwn(snapshot.domains, domainOf(sender).toLowerCase())) return envelope;
  const returnPath = rewriteSender(sender, returnDomain, { secrets: srsSecrets }, nowMs);
  if (returnPath === undefined) return envelope;
  return { ...envelope, terms: { ...envelope.terms, returnPath } };
}
