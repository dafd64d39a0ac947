/**
 * All that a thread without shards answers.
 *
 * Runs in: threads marked for jobs.
 */

import type { Handlers } from '../../actors/ask.ts';
import { threadHello } from '../../actors/asks/system.ts';
import type { Random } from '../../ports/random.ts';
import { composeHandlers } from './compose.ts';
import { dkimKeyHandlers } from './dkim-keys.ts';
import { dmarcReadHandlers } from './dmarc-read.ts';
import { passwordHandlers } from './password-job.ts';

export function jobHandlers(random: Random): Handlers {
  return {
    [threadHello]: () => ({ ok: true, value: undefined }),
    ...{ ...dkimKeyHandlers, ...composeHandlers, ...dmarcReadHandlers },
    ...passwordHandlers(random),
  };
}
