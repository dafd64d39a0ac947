/** Settings of filters: what is asked about strangers that bring mail to `listen.smtp`, before its text is taken. */

import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { choice, duration, flag, integer, text } from '../fields.ts';
import { judgement, labelTable, listTable } from '../filters.ts';
import { networkList } from '../networks.ts';

const earlySection = section('Who talks before we greet.', {
  waitMs: duration({
    default: 0,
    min: 0,
    max: minuteMs,
    reload: 'live',
    doc: 'How long a stranger waits for the greeting; 0: not at all, and nobody talks early.',
    spec: 'RFC 5321 §4.3.1',
  }),
  teaser: flag({
    default: true,
    reload: 'live',
    doc: 'Whether the first line of a greeting of two is said before the wait: programs that do not read on talk then.',
    spec: 'RFC 5321 §4.2.1',
  }),
  talked: judgement({
    default: 'reject',
    reload: 'live',
    doc: 'What talking within the wait is worth; "reject" answers 554 and ends the connection.',
  }),
});

const heloSection = section('The name that strangers give by EHLO or HELO.', {
  notQualified: judgement({
    default: 0,
    reload: 'live',
    doc: 'What a name without a dot, or with characters that no name of the DNS has, is worth.',
    spec: 'RFC 5321 §2.3.5',
  }),
  bareAddress: judgement({
    default: 0,
    reload: 'live',
    doc: 'What an address without brackets is worth.',
    spec: 'RFC 5321 §4.1.3',
  }),
  literalMismatch: judgement({
    default: 0,
    reload: 'live',
    doc: 'What an address in brackets that is not the client’s is worth.',
    spec: 'RFC 5321 §4.1.3',
  }),
  ownName: judgement({
    default: 0,
    reload: 'live',
    doc: 'What a name of ours is worth: `hostname`, or a domain that has accounts here.',
  }),
  unresolved: judgement({
    default: 0,
    reload: 'live',
    doc: 'What a name is worth for which the DNS knows no A, AAAA or MX record.',
    spec: 'RFC 5321 §4.1.4',
  }),
});

const reverseSection = section('The name that the DNS knows for a stranger’s address.', {
  missing: judgement({
    default: 0,
    reload: 'live',
    doc: 'What it is worth that there is none.',
    spec: 'RFC 8601 §2.7.3',
  }),
  mismatch: judgement({
    default: 0,
    reload: 'live',
    doc: 'What it is worth that none of them leads back to the address.',
    spec: 'RFC 8601 §2.7.3',
  }),
});

const greylistSection = section('Strangers come again later before they are let in.', {
  mode: choice({
    values: ['off', 'points', 'all'],
    default: 'off',
    reload: 'restart',
    doc: 'Nobody; those with `points` or more; or all whose points are not below 0.',
    spec: 'RFC 6647',
  }),
  points: integer({
    default: 3,
    min: 1,
    max: 1_000,
    unit: 'points',
    reload: 'live',
    doc: 'With mode "points": from how many on.',
  }),
  sender: choice({
    values: ['domain', 'address'],
    default: 'domain',
    reload: 'restart',
    doc: 'What must be the same when they come again, besides the network (/24, IPv6 /64) and the recipient: the sender’s domain, or its whole address.',
  }),
  waitMs: duration({
    default: 5 * minuteMs,
    min: 100,
    max: dayMs,
    reload: 'restart',
    doc: 'How much later they must come.',
    spec: 'RFC 6647 §5',
  }),
  retryMsMax: duration({
    default: 2 * dayMs,
    min: secondMs,
    max: 30 * dayMs,
    reload: 'restart',
    doc: 'Whoever comes later than this begins anew.',
  }),
  keepMs: duration({
    default: 36 * dayMs,
    min: secondMs,
    max: 366 * dayMs,
    reload: 'restart',
    doc: 'How long after its last mail one that was let in is let in at once.',
  }),
  allowAfterCount: integer({
    default: 5,
    min: 0,
    max: 1_000,
    reload: 'restart',
    doc: 'A network that was let in with so many (sender and recipient) is let in with all, for `keepMs` after its last mail; 0: never.',
  }),
  entriesMax: integer({
    default: 200_000,
    min: 100,
    max: 10_000_000,
    unit: 'entries',
    reload: 'restart',
    doc: 'So many are remembered, over restarts too: a third of them that wait, a third that were let in, a third networks. Where they are full, a network’s own oldest entry (IPv6: that of its /32) goes for its next.',
  }),
});

const labelsSection = section(
  'Countries, networks’ owners or whatever else a file says of addresses.',
  {
    file: text({
      default: '',
      bounds: 'a path, or "" for none',
      reload: 'restart',
      doc: 'File with a network and its labels a line, as `192.0.2.0/24 country:at as:64496`. Read at the start.',
      example: '/etc/chaski/networks.txt',
    }),
    points: labelTable({
      reload: 'live',
      doc: 'What labels are worth.',
    }),
  },
);

const strangerRate = (doc: string) =>
  integer({
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'recipients',
    reload: 'restart',
    doc: `${doc}; 0: as many as they like.`,
  });

const strangerRatesSection = section('How many recipients strangers may name.', {
  windowMs: duration({
    default: hourMs,
    min: secondMs,
    max: 7 * dayMs,
    reload: 'restart',
    doc: 'How long recipients are counted together, from the first one on. A restart forgets the counts.',
  }),
  perSenderMax: strangerRate('Recipients of mail of one envelope sender'),
  perAddressMax: strangerRate('Recipients named from one IPv4 address or IPv6 /64'),
  perNetworkMax: strangerRate('The same of one IPv4 /24 or IPv6 /48'),
});

export const filtersSection = section(
  'What is asked about strangers at `listen.smtp` before their mail’s text is taken (docs/filters.md). Whoever logged in or is in `relay.networks` is no stranger.',
  {
    rejectPoints: integer({
      default: 0,
      min: 0,
      max: 1_000,
      unit: 'points',
      reload: 'live',
      doc: 'From so many points on a stranger’s recipients are refused, but postmaster; 0: points alone refuse nobody.',
      spec: 'RFC 5321 §7.9',
    }),
    allowNetworks: networkList({
      reload: 'live',
      doc: 'Networks that no filter is about, besides `relay.networks` and `xclient.smtp`.',
    }),
    lookUpMsMax: duration({
      default: 5 * secondMs,
      min: 50,
      max: minuteMs,
      reload: 'live',
      doc: 'A recipient waits at most this long for look-ups; what is missing then counts nothing.',
    }),
    lists: listTable({
      reload: 'live',
      doc: 'Lists in the DNS that are asked about a stranger’s address. Of one list every rule that fits adds its points.',
      spec: 'RFC 5782',
    }),
    early: earlySection,
    helo: heloSection,
    reverse: reverseSection,
    greylist: greylistSection,
    labels: labelsSection,
    rates: strangerRatesSection,
  },
);
