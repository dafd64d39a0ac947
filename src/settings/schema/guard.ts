/** Settings of the guard: who is turned away for failed log-ins. */

import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, integer } from '../fields.ts';
import { networkList } from '../networks.ts';

export const guardSection = section('Bans of networks that guess passwords, and what they wait.', {
  failuresPerAddressMax: integer({
    default: 25,
    min: 0,
    max: 1_000_000,
    unit: 'failures',
    reload: 'restart',
    doc: 'Failed log-ins of one IPv4 address or IPv6 /64 within `windowMs` that ban it; 0 bans none.',
  }),
  failuresPerNetworkMax: integer({
    default: 250,
    min: 0,
    max: 1_000_000,
    unit: 'failures',
    reload: 'restart',
    doc: 'The same of one IPv4 /24 or IPv6 /48; 0 bans none.',
  }),
  failuresPerNameMax: integer({
    default: 50,
    min: 1,
    max: 1_000_000,
    unit: 'failures',
    reload: 'restart',
    doc: 'Failed log-ins to one account from addresses it had no log-in from in the last 30 days, within `login.windowMs`; then such addresses wait 10 s after each further one. The others do not.',
  }),
  windowMs: duration({
    default: hourMs,
    min: secondMs,
    max: 7 * dayMs,
    reload: 'restart',
    doc: 'How long failures are counted together, from the first one on.',
  }),
  banMsFirst: duration({
    default: 10 * minuteMs,
    min: secondMs,
    max: 7 * dayMs,
    reload: 'restart',
    doc: 'Length of a first ban; each further one within a week of its end is twice as long.',
  }),
  banMsMax: duration({
    default: 7 * dayMs,
    min: secondMs,
    max: 366 * dayMs,
    reload: 'restart',
    doc: 'The longest ban that is made automatically.',
  }),
  tarpitMs: duration({
    default: 500,
    min: 0,
    max: minuteMs,
    reload: 'restart',
    doc: 'How much later a failed log-in is answered for each failure of its address or IPv6 /64 before it, within `login.windowMs`; 0 answers at once.',
  }),
  tarpitMsMax: duration({
    default: 5 * secondMs,
    min: 0,
    max: minuteMs,
    reload: 'restart',
    doc: 'The longest an answer to a failed log-in is held back. 1,000 are held at once, 10 of one address.',
  }),
  sessionsPerAccountMax: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: 'sessions',
    reload: 'restart',
    doc: 'Sessions of mail programs (IMAP, POP3, submission) that one account may have open at a time; 0: as many as it likes.',
  }),
  allowNetworks: networkList({
    reload: 'restart',
    doc: 'Never banned nor answered late, besides loopback, `relay.networks`, `http.trustedProxies` and the networks of `proxy`.',
  }),
});
