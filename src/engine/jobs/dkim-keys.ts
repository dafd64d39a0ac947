/**
 * The job that makes a domain's signing keys: an RSA key takes some 100 ms, too long for any other thread.
 *
 * Runs in: threads marked for jobs.
 */

import type { Handlers } from '../../actors/ask.ts';
import { dkimKeysJob } from '../../actors/asks/job-asks.ts';
import { generateDkimKey } from '../../mail/trust/dkim/keys.ts';
import type { DkimAlgorithm } from '../../ports/account-directory.ts';

export const dkimKeyHandlers: Handlers = {
  [dkimKeysJob]: (job) => {
    const wanted = job.meta as readonly (readonly [DkimAlgorithm, string])[];
    const keys = wanted.map(([algorithm, selector]) => generateDkimKey(algorithm, selector));
    return { ok: true, value: keys };
  },
};
