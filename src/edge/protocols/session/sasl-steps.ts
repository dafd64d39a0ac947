/**
 * An exchange of a mechanism, step by step, in whichever protocol's words.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4422 §3-4.
 * Invariant: to a session that has ended nothing is said, and nobody is logged in.
 */

import { Buffer } from 'node:buffer';
import type { LogInAnswer } from '../../guard/log-in.ts';
import type { SaslExchange, SaslStep } from '../../guard/sasl-exchange.ts';

/** What a protocol says. */
export interface SaslWords<End> {
  /** Writes a challenge, which is base64; the client's response goes to `stepExchange` in turn. */
  challenge(text: string): End;
  /** The response makes no sense. */
  senseless(): End;
  /** Right or wrong: it is over. */
  ended(answer: LogInAnswer): End | Promise<End>;
  /** The session has ended meanwhile. */
  gone(): End;
}

/** `response` is decoded; undefined before the client said anything. */
export function stepExchange<End>(
  session: { readonly isEnded: boolean },
  exchange: SaslExchange,
  response: Buffer | undefined,
  words: SaslWords<End>,
): End | Promise<End> {
  const take = (step: SaslStep): End | Promise<End> => {
    if (session.isEnded) return words.gone();
    if (step.kind === 'bad') return words.senseless();
    if (step.kind === 'ended') return words.ended(step.answer);
    return words.challenge(Buffer.from(step.octets).toString('base64'));
  };
  const step = exchange.next(response);
  return step instanceof Promise ? step.then(take) : take(step);
}
