/** Settings of Sieve scripts, and of the sessions that manage them. */

import { dayMs, kibibyte, mebibyte, minuteMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, flag, integer, text } from '../fields.ts';
import { readerBounds } from './mailboxes.ts';

export const sieveSection = section(
  'Sieve scripts, run as mail comes into accounts (docs/sieve.md).',
  {
    isOn: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether scripts run. Off: all mail goes to INBOX, and scripts stay as they are.',
    }),
    scriptsMax: integer({
      default: 32,
      min: 1,
      max: 1_000,
      unit: 'scripts',
      reload: 'restart',
      doc: 'Scripts of one account, of which one is active.',
      spec: 'RFC 5804 §1.3 (QUOTA/MAXSCRIPTS)',
    }),
    scriptBytesMax: bytes({
      default: 64 * kibibyte,
      min: kibibyte,
      max: 256 * kibibyte,
      reload: 'restart',
      doc: 'Largest script of an account.',
      spec: 'RFC 5804 §1.3 (QUOTA/MAXSIZE)',
    }),
    scriptBytesAllMax: bytes({
      default: mebibyte,
      min: kibibyte,
      max: 64 * mebibyte,
      reload: 'restart',
      doc: 'Scripts of one account together.',
      spec: 'RFC 5804 §1.3 (QUOTA)',
    }),
    redirects: flag({
      default: true,
      reload: 'restart',
      doc: 'Whether scripts may send mail on to other addresses; off, `redirect` fails, and the message is kept.',
      spec: 'RFC 5228 §4.2',
    }),
    beforeFile: text({
      default: '',
      example: '/etc/chaski/before.sieve',
      reload: 'live',
      doc: 'A script run before that of each account; "" is none. What it files, discards or refuses, the others never see.',
    }),
    afterFile: text({
      default: '',
      example: '/etc/chaski/after.sieve',
      reload: 'live',
      doc: 'A script run after an account\'s own, on mail that is to be kept by then; "" is none.',
    }),
    sentPerHourMax: integer({
      default: 500,
      min: 0,
      max: 1_000_000,
      unit: 'addresses',
      reload: 'restart',
      doc: 'Addresses that the scripts of one account may send to in an hour, by redirects, answers and notices. What is more stays in its mailbox, or is not sent; 0 is no limit.',
    }),
    globalFolder: text({
      default: '',
      example: '/etc/chaski/sieve',
      reload: 'live',
      doc: 'A folder of what any script may use: NAME.sieve by `include :global "NAME"`, and lists of addresses, NAME.list as `tag:…:NAME`; "" is none. 100 files of 4 MiB together.',
      spec: 'RFC 6609 §3.1, RFC 6134',
    }),
  },
);

export const manageSieveSection = section('Limits of ManageSieve sessions.', {
  idleMsMax: duration({
    default: 30 * minuteMs,
    min: 30 * minuteMs,
    max: dayMs,
    reload: 'live',
    doc: 'A session that stays silent for so long is ended.',
    spec: 'RFC 5804 §1.2',
  }),
  ...readerBounds,
  errorsMax: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: 'errors',
    reload: 'live',
    doc: 'Commands that make no sense and failed log-ins in one connection; at the limit it is closed.',
  }),
  connectionsMax: integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections to `listen.managesieve`.',
  }),
  connectionsPerAddressMax: integer({
    default: 20,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections from one IPv4 address or IPv6 /64; loopback is not counted.',
  }),
});
