/**
 * What a mechanism is, and the exchange it leads.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 4422 §3-4.
 */

import { Buffer } from 'node:buffer';
import type { LogInAnswer, LogInSession } from './log-in.ts';

/** What an exchange wants next. `bad`: the response makes no sense. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly octets: Uint8Array }
  | { readonly kind: 'ended'; readonly answer: LogInAnswer }
  | { readonly kind: 'bad' };

export interface SaslExchange {
  /** `response` is decoded; undefined when the client sent no initial response. */
  next(response: Buffer | undefined): SaslStep | Promise<SaslStep>;
}

/** The session an exchange is part of. */
export type SaslSession = LogInSession;

export interface SaslMechanism {
  readonly name: string;
  isOffered(session: SaslSession): boolean;
  begin(session: SaslSession): SaslExchange;
}

export const bad: SaslStep = { kind: 'bad' };

export function challenge(text: string): SaslStep {
  return { kind: 'challenge', octets: Buffer.from(text) };
}

/** Controls in a name serve nobody but those who forge log lines. */
export function isName(user: string): boolean {
  return user !== '' && !/[\x00-\x1f\x7f]/.test(user);
}
