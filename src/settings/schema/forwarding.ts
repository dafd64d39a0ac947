/** Settings of mail that goes on to other servers. */

import { dayMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, flag, text } from '../fields.ts';

export const forwardingSection = section("Strangers' mail that aliases send on to other servers.", {
  domain: text({
    default: '',
    reload: 'live',
    doc: 'Which of our domains seals it and stands in its return paths; "" is the one that was made first.',
  }),
  srs: flag({
    default: true,
    reload: 'live',
    doc: "Whether it leaves with a return path of ours, which leads bounces back to its sender (SRS): by the sender's own, SPF fails.",
  }),
  srsSecretMs: duration({
    default: 30 * dayMs,
    min: dayMs,
    max: 365 * dayMs,
    reload: 'restart',
    doc: 'How long one secret makes return paths; those it made lead back 21 days more.',
  }),
  arc: flag({
    default: true,
    reload: 'live',
    doc: 'Whether it is sealed with what we found out about it, by an RSA key of the domain.',
    spec: 'RFC 8617',
  }),
});
