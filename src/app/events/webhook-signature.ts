/**
 * Signs what is sent to a webhook: `t=SECONDS,v1=HEX[,v1=HEX]`, an HMAC for each secret that is in use.
 *
 * Runs in:   main thread; pure.
 * Specs:     RFC 2104 with SHA-256, over the seconds, a full stop and the body. The instant is signed too, so that who
 *            checks it can refuse what is old.
 */

import { createHmac } from 'node:crypto';
import type { WebhookSecret } from './webhook-rows.ts';

export const signatureHeader = 'chaski-signature';

export function signatureOf(
  secrets: readonly WebhookSecret[],
  nowMs: number,
  body: Uint8Array,
): string {
  const seconds = Math.floor(nowMs / 1_000);
  const parts = [`t=${seconds}`];
  for (const { text, untilMs } of secrets) {
    if (untilMs !== 0 && untilMs <= nowMs) continue;
    const hmac = createHmac('sha256', text).update(`${seconds}.`).update(body).digest('hex');
    parts.push(`v1=${hmac}`);
  }
  return parts.join(',');
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
