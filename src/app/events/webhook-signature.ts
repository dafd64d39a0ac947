/**
 * Which secrets of a webhook sign what is sent to it, and how they take turns.
 *
 * Runs in:   main thread; pure.
 */

import { bodySignature } from '../../base/body-signature.ts';
import type { WebhookSecret } from './webhook-rows.ts';

export function signatureOf(
  secrets: readonly WebhookSecret[],
  nowMs: number,
  body: Uint8Array,
): string {
  const inUse = secrets.filter(({ untilMs }) => untilMs === 0 || untilMs > nowMs);
  const texts = inUse.map(({ text }) => text);
  return bodySignature(texts, nowMs, body);
}

/** The new one first; the old one is in use for so long yet. Those that ran out go. */
export function rotated(
  secrets: readonly WebhookSecret[],
  text: string,
  nowMs: number,
  overlapMs: number,
): readonly WebhookSecret[] {
  const untilMs = nowMs + overlapMs;
  const old = secrets
    .map((secret) => (secret.untilMs === 0 ? { ...secret, untilMs } : secret))
    .filter((secret) => secret.untilMs > nowMs);
  return [{ text, untilMs: 0 }, ...old.slice(0, 1)];
}
