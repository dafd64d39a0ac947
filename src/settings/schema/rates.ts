/** Settings of rates: how many recipients whoever hands mail in may name within a while. */

import { dayMs, hourMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { duration, integer } from '../fields.ts';

const rate = (doc: string) =>
  integer({
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'recipients',
    reload: 'restart',
    doc: `${doc}; 0: as many as they like.`,
  });

export const ratesSection = section(
  'How many recipients those who hand mail in may name: by log-in, from `relay.networks`, or by the API.',
  {
    windowMs: duration({
      default: hourMs,
      min: secondMs,
      max: 7 * dayMs,
      reload: 'restart',
      doc: 'How long recipients are counted together, from the first one on. A restart forgets the counts.',
    }),
    perAccountMax: rate('Recipients of one account within `windowMs`'),
    perTenantMax: rate('Recipients of one tenant, all its accounts, networks and keys together'),
    perSenderMax: rate('Recipients of mail of one envelope sender'),
    perAddressMax: rate(
      'Recipients named from one IPv4 address or IPv6 /64, but loopback and `guard.allowNetworks`',
    ),
    perNetworkMax: rate('The same of one IPv4 /24 or IPv6 /48'),
  },
);
