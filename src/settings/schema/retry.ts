/** Settings of when mail that was not taken is tried again, by why it was not. */

import { dayMs, hourMs, minuteMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration } from '../fields.ts';

function wait(what: string, defaultMs: number, isLongest: boolean) {
  return duration({
    default: defaultMs,
    min: 100,
    max: dayMs,
    reload: 'restart',
    doc: isLongest
      ? `Longest wait of mail ${what}.`
      : `First wait of mail ${what}; each later one is twice the one before.`,
  });
}

export const retrySection = section(
  'Waits by why a server did not take mail; for all other reasons `relay.retryMsMin` and `relay.retryMsMax`.',
  {
    greylistMsMin: wait('that was greylisted', minuteMs, false),
    greylistMsMax: wait('that was greylisted', 30 * minuteMs, true),
    rateMsMin: wait('that came too fast', 2 * minuteMs, false),
    rateMsMax: wait('that came too fast', hourMs, true),
    overQuotaMsMin: wait('for a full mailbox', hourMs, false),
    overQuotaMsMax: wait('for a full mailbox', 6 * hourMs, true),
    blockMsMin: wait('that met a block of our address or name', 30 * minuteMs, false),
    blockMsMax: wait('that met a block of our address or name', 6 * hourMs, true),
  },
);
