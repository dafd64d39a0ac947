/** Settings of mailboxes and of the sessions that read them. */

import { dayMs, gibibyte, kibibyte, mebibyte, minuteMs } from '../../base/units.ts';
import { nameFault, separator } from '../../mail/wire/imap/mailbox-name.ts';
import { read, section } from '../field.ts';
import { bytes, duration, integer, list, text } from '../fields.ts';

export const mailboxSection = section('What accounts keep.', {
  expungedKeepMs: duration({
    default: 7 * dayMs,
    min: 0,
    max: 3_650 * dayMs,
    reload: 'restart',
    doc: 'How long an expunged message can be had back with `chaski mailbox undelete`; 0: it is gone at once.',
  }),
  changesKeptMax: integer({
    default: 500_000,
    min: 1_000,
    max: 1_000_000_000,
    unit: 'changes',
    reload: 'restart',
    doc: 'Changes of an account remembered one by one; clients that know less of it compare all anew.',
    spec: 'RFC 7162 §3.2.5.1',
  }),
});

function nameLevelFault(name: string): string | undefined {
  return name.includes(separator) ? 'must be one level' : nameFault(name);
}

/** What bounds a client that reads slowly or asks too often, alike in IMAP, POP3 and ManageSieve. */
export const readerBounds = {
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
} as const;

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
  ...readerBounds,
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
  messagesPerCommandMax: integer({
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'messages',
    reload: 'live',
    doc: 'Messages one command is worked on, the newest of those it names; MESSAGELIMIT says so. Programs that do not know of it see the newest messages of a large mailbox alone. 0 is no limit, else at least 1,000.',
    spec: 'RFC 9738',
  }),
  savedMessagesPerCommandMax: integer({
    default: 0,
    min: 0,
    max: 1_000_000_000,
    unit: 'messages',
    reload: 'live',
    doc: 'Messages of one COPY or APPEND where `messagesPerCommandMax` is 0; more are refused, and SAVELIMIT says so. 0 is no limit, else at least 1,000.',
    spec: 'RFC 9738',
  }),
  metadataValueBytesMax: bytes({
    default: 16 * kibibyte,
    min: kibibyte,
    max: 256 * kibibyte,
    reload: 'live',
    doc: 'Largest value of an annotation; a larger one is refused with METADATA MAXSIZE.',
    spec: 'RFC 5464 §4.3',
  }),
  metadataEntriesMax: integer({
    default: 100,
    min: 1,
    max: 10_000,
    unit: 'entries',
    reload: 'live',
    doc: 'Annotations of a mailbox; shared ones and those of each reader are counted apart.',
    spec: 'RFC 5464 §4.3',
  }),
  metadataBytesMax: bytes({
    default: mebibyte,
    min: 16 * kibibyte,
    max: 64 * mebibyte,
    reload: 'live',
    doc: 'Annotations of one account together.',
    spec: 'RFC 5464 §4.3',
  }),
  serverComment: text({
    default: '',
    reload: 'live',
    doc: 'What the entry /shared/comment of the server says; empty: it has none.',
    spec: 'RFC 5464 §6.2.1',
  }),
  serverAdmin: text({
    default: '',
    example: 'mailto:postmaster@example.org',
    reload: 'live',
    doc: 'What the entry /shared/admin of the server says: a URI by which its operator is reached.',
    spec: 'RFC 5464 §6.2.2',
  }),
  otherUsers: text({
    default: 'Other Users',
    check: nameLevelFault,
    bounds: 'one level of a mailbox name',
    reload: 'restart',
    doc: 'What stands before the names of mailboxes that others share: PREFIX/ann@example.org/Projects.',
    spec: 'RFC 2342 §5',
  }),
  quotaSetters: list<string>({
    type: 'list of NAME@DOMAIN',
    default: [],
    example: '["admin@example.org"]',
    readItem: (item) => read(item.toLowerCase()),
    write: (item) => item,
    reload: 'live',
    doc: 'Accounts that may set quotas of their tenant with SETQUOTA; all others are told NOPERM.',
    spec: 'RFC 9208 §4.1.3',
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

export const pop3Section = section('Limits of POP3 sessions.', {
  messagesMax: integer({
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'messages',
    reload: 'live',
    doc: 'How many messages of INBOX a session sees: the newest; 0 is all. A program that deletes what it fetched comes to the older ones with its next sessions.',
  }),
  idleMsMax: duration({
    default: 10 * minuteMs,
    min: 10 * minuteMs,
    max: dayMs,
    reload: 'live',
    doc: 'A session that stays silent for so long is closed, and deletes nothing.',
    spec: 'RFC 1939 §3',
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
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections to `listen.pop3` and `listen.pop3s` together.',
  }),
  connectionsPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections from one IPv4 address or IPv6 /64; loopback is not counted.',
  }),
});
