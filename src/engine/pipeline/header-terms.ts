/**
 * What a message's header asks of its delivery, put into its envelope.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8689 §4.1.2 (TLS-Required counts where REQUIRETLS was not said).
 */

import { isPoolName } from '../../actors/asks/delivery-terms.ts';
import type { Envelope } from '../../actors/asks/reception.ts';
import { type PackedReceived, packEnvelope } from '../../actors/asks/spool-asks.ts';
import type { MessageFacts } from './prepare.ts';

/** The same envelope where the header says nothing that it does not. */
export function withHeaderTerms(envelope: Envelope, facts: MessageFacts): Envelope {
  const { terms } = envelope;
  const { campaign, isTracked } = facts;
  const isOptional = facts.isTlsOptional && terms?.requireTls !== true;
  const asksPool = isPoolName(facts.pool) && terms?.pool === undefined;
  const isNamed = campaign !== '' && terms?.campaign === undefined;
  if (!isOptional && !asksPool && !isNamed && !isTracked) return envelope;
  return {
    ...envelope,
    terms: {
      ...terms,
      ...(isOptional ? { isTlsOptional: true } : {}),
      ...(asksPool ? { pool: facts.pool } : {}),
      ...(isNamed ? { campaign } : {}),
      ...(isTracked ? { isTracked } : {}),
    },
  };
}

export function repacked(
  [, arrival, fromAllowed, idempotency]: PackedReceived,
  envelope: Envelope,
): PackedReceived {
  const packed = [packEnvelope(envelope), arrival, fromAllowed] as const;
  return idempotency === undefined ? packed : [...packed, idempotency];
}
