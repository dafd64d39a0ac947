/** Settings of the sessions that read mailboxes. */

import { dayMs, gibibyte, kibibyte, mebibyte, minuteMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, integer } from '../fields.ts';

export const imapSection = section('Limits of IMAP sessions.', {
  messageBytesMax: bytes({
    default: 50 * mebibyte,
    min: 64 * kibibyte,
    max: gibibyte,
    reload: 'live',
    doc: 'Largest message APPEND takes; APPENDLIMIT says so.',
    spec: 'RFC 7889',
  }),
  idleMsMax: duration({
    default: 31 * minuteMs,
    min: 30 * minuteMs,
    max: dayMs,
    reload: 'live',
    doc: 'A session that stays silent for so long, idling or not, is ended.',
    spec: 'RFC 9051 §5.4',
  }),
  stallMsMax: duration({
    default: 5 * minuteMs,
    min: minuteMs,
    max: dayMs,
    reload: 'live',
    doc: 'A client that reads nothing of its answers for so long is cut off.',
  }),
  allUnsentBytesMax: bytes({
    default: 128 * mebibyte,
    min: mebibyte,
    max: 64 * gibibyte,
    reload: 'live',
    doc: 'What all clients together may leave unread of their answers; above it those who read slowest are cut off.',
  }),
  commandsPerMinuteMax: integer({
    default: 60_000,
    min: 0,
    max: 100_000_000,
    unit: 'commands',
    reload: 'live',
    doc: 'Commands of one connection in a minute; more wait for the next one. 0 is no limit.',
  }),
  errorsMax: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: 'errors',
    reload: 'live',
    doc: 'Commands that make no sense in one connection; at the limit it ends with BYE.',
  }),
  compressedSessionsMax: integer({
    default: 5_000,
    min: 0,
    max: 1_000_000,
    unit: 'sessions',
    reload: 'live',
    doc: 'Sessions compressed at a time, of up to 70 kB each while they are busy; more get NO to COMPRESS. 0 offers none.',
    spec: 'RFC 4978',
  }),
  connectionsMax: integer({
    default: 20_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections to `listen.imap` and `listen.imaps` together.',
  }),
  connectionsPerAddressMax: integer({
    default: 200,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections from one IPv4 address or IPv6 /64; loopback is not counted.',
  }),
});
