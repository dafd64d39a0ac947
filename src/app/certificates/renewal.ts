/**
 * When a certificate is renewed, tried again, and warned of.
 *
 * Runs in:   anywhere; pure: instants and chance are arguments.
 * Limits:    after failures `waitMsMin`, doubled each time up to `waitMsMax`: an authority that counts failed proofs by
 *            the hour (Let's Encrypt: 5) is never asked so often.
 */

import { dayMs, hourMs } from '../../base/units.ts';
import type { HeldPair } from './held-pair.ts';

type Lifetime = Pick<HeldPair, 'notBeforeMs' | 'notAfterMs'>;

const renewAfter = 2 / 3;
/** Of its life, before that: servers set up at once do not all come at once. */
const spread = 0.03;
const warnAfter = 5 / 6;
const waitMsMin = hourMs;
const waitMsMax = dayMs;
/** An authority may ask for longer. */
const askedMsMax = 30 * dayMs;

/** `fraction`: of chance, 0 to 1. */
export function renewalMs({ notBeforeMs, notAfterMs }: Lifetime, fraction: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  return Math.floor(notBeforeMs + lifeMs * (renewAfter - spread * fraction));
}

/** Of those with short lives a warning comes no earlier than renewals have had their time. */
export function warnsFromMs({ notBeforeMs, notAfterMs }: Lifetime, warnMs: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  return Math.max(notAfterMs - warnMs, Math.floor(notBeforeMs + lifeMs * warnAfter));
}

/** `failureCount`: this one included. `askedMs`: what the authority asked for. */
export function waitMs(failureCount: number, askedMs: number, fraction: number): number {
  const doubled = waitMsMin * 2 ** Math.min(failureCount - 1, 10);
  const own = Math.min(doubled, waitMsMax) * (1 + 0.2 * fraction);
  return Math.floor(Math.max(own, Math.min(askedMs, askedMsMax)));
}
