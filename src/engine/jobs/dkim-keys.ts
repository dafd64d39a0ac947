/**
 * The job that makes a domain's signing keys: an RSA key takes some 100 ms, too long for any other thread.
 *
 * Runs in: threads marked for jobs.
 */

import type { Handlers } from '../../actors/ask.ts';
import { dkimKeysJob } from '../../actors/asks/job-asks.ts';
import { generateDkimKey } from '../../mail/trust/dkim/keys.ts';

export const dkimKeyHandlers: Handlers = {
  [dkimKeysJob]: (job) => {
    const { rsa, ed25519 } = job.meta as { readonly rsa: string; readonly ed25519: string };
    const keys = [generateDkimKey('rsa-sha256', rsa), generateDkimKey('ed25519-sha256', ed25519)];
    return { ok: true, value: keys };
  },
};
