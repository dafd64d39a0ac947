/** Settings of signing. */

import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, text } from '../fields.ts';

export const dkimSection = section('DKIM signatures and their keys.', {
  alsoDomain: text({
    default: '',
    reload: 'live',
    doc: 'Mail of who may relay gets a second signature, of this domain\'s keys, whoever its author is; "" is none.',
    spec: 'RFC 6376 §4',
  }),
  lookUpMs: duration({
    default: minuteMs,
    min: secondMs,
    max: dayMs,
    reload: 'restart',
    doc: 'How often the records of new keys are looked for; a key signs once its record is seen.',
  }),
  overlapMs: duration({
    default: 14 * dayMs,
    min: hourMs,
    max: 365 * dayMs,
    reload: 'restart',
    doc: 'How long the record of a key that signs no more is to stay published, for mail under way.',
    spec: 'RFC 6376 §3.1',
  }),
});
