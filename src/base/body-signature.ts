/**
 * Signs a body that is posted to somebody who holds a secret with us: `t=SECONDS,v1=HEX[,v1=HEX]`, an HMAC for each.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 2104 with SHA-256, over the seconds, a full stop and the body. The instant is signed too, so that who
 *            checks it can refuse what is old.
 */

import { createHmac } from 'node:crypto';

export const signatureHeader = 'chaski-signature';

export function bodySignature(secrets: readonly string[], nowMs: number, body: Uint8Array): string {
  const seconds = Math.floor(nowMs / 1_000);
  const parts = [`t=${seconds}`];
  for (const secret of secrets) {
    const hmac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
    parts.push(`v1=${hmac}`);
  }
  return parts.join(',');
}
