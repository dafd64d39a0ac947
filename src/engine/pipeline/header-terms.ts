/**
 * What a message's header asks of its delivery, put into its envelope.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 8689 §4.1.2 (TLS-Required counts where REQUIRETLS was not said).
 */

import type { Envelope } from '../../actors/asks/reception.ts';
import { type PackedReceived, packEnvelope } from '../../actors/asks/spool-asks.ts';
import type { MessageFacts } from './prepare.ts';

/** The same envelope where the header says nothing. */
export function withHeaderTerms(envelope: Envelope, { isTlsOptional }: MessageFacts): Envelope {
  if (!isTlsOptional || envelope.terms?.requireTls === true) return envelope;
  return { ...envelope, terms: { ...envelope.terms, isTlsOptional } };
}

export function repacked(
  [, arrival, fromAllowed, idempotency]: PackedReceived,
  envelope: Envelope,
): PackedReceived {
  const packed = [packEnvelope(envelope), arrival, fromAllowed] as const;
  return idempotency === undefined ? packed : [...packed, idempotency];
}
