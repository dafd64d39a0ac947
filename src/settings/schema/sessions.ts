/** Settings of the mail sessions Chaski serves: limits, who may speak for others, log-in. */

import {
  dayMs,
  gibibyte,
  hourMs,
  kibibyte,
  mebibyte,
  minuteMs,
  secondMs,
} from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, duration, flag, integer, text } from '../fields.ts';
import { networkList } from '../networks.ts';

export const smtpSection = section('Limits of SMTP, submission and LMTP sessions.', {
  messageBytesMax: bytes({
    default: 50 * mebibyte,
    min: 64 * kibibyte,
    max: gibibyte,
    reload: 'live',
    doc: 'Largest message taken; SIZE says so.',
    spec: 'RFC 1870',
  }),
  recipientsMax: integer({
    default: 1_000,
    min: 100,
    max: 50_000,
    unit: 'recipients',
    reload: 'live',
    doc: 'Recipients of one message; more get 452 and come in a second transaction.',
    spec: 'RFC 5321 §4.5.3.1.8, RFC 9422',
  }),
  lineBytesMax: bytes({
    default: 4 * kibibyte,
    min: 1_000,
    max: mebibyte,
    reload: 'live',
    doc: 'Longest line of a message, CRLF counted. Other servers may take no more than 1000.',
    spec: 'RFC 5321 §4.5.3.1.6',
  }),
  messagesMax: integer({
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: 'messages',
    reload: 'live',
    doc: 'Messages of one connection; 0 is no limit.',
    spec: 'RFC 9422',
  }),
  errorsMax: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: 'errors',
    reload: 'live',
    doc: 'Refused commands in one connection; at the limit it ends with 421.',
  }),
  receivedMax: integer({
    default: 50,
    min: 10,
    max: 1_000,
    unit: 'Received fields',
    reload: 'live',
    doc: 'A message that passed more servers than this is in a loop and refused.',
    spec: 'RFC 5321 §6.3',
  }),
  idleMsMax: duration({
    default: 5 * minuteMs,
    min: secondMs,
    max: hourMs,
    reload: 'live',
    doc: 'A session that stays silent for so long ends with 421.',
    spec: 'RFC 5321 §4.5.3.2.7',
  }),
  logInMsMax: duration({
    default: minuteMs,
    min: secondMs,
    max: hourMs,
    reload: 'live',
    doc: 'Where a log-in is asked for (submission), a session that has none after this long ends with 421.',
  }),
  sessionMsMax: duration({
    default: dayMs,
    min: minuteMs,
    max: 7 * dayMs,
    reload: 'live',
    doc: 'A connection ends with 421 after this long, between two messages.',
  }),
  connectionsMax: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections to all mail listeners together; more get 421.',
  }),
  connectionsPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections from one IPv4 address or IPv6 /64. `relay.networks` and loopback are not counted.',
  }),
});

const proxyList = (listener: string) =>
  networkList({
    reload: 'restart',
    doc: `Proxies before \`listen.${listener}\`. With any, the PROXY header is required of every connection, and one from elsewhere is closed.`,
    example: '["192.0.2.10"]',
  });

export const proxySection = section(
  'PROXY protocol (v1 and v2), a list of proxies per listener; empty is off. All policy sees the real address.',
  {
    smtp: proxyList('smtp'),
    submission: proxyList('submission'),
    submissions: proxyList('submissions'),
    lmtp: proxyList('lmtp'),
    imap: proxyList('imap'),
    imaps: proxyList('imaps'),
    pop3: proxyList('pop3'),
    pop3s: proxyList('pop3s'),
    managesieve: proxyList('managesieve'),
  },
);

const xclientList = (listener: string) =>
  networkList({
    reload: 'live',
    doc: `Peers that may say XCLIENT on \`listen.${listener}\`; empty is off.`,
    example: '["192.0.2.10"]',
  });

export const xclientSection = section(
  'XCLIENT, a list of peers per listener that may speak for any client and any account (LOGIN).',
  {
    smtp: xclientList('smtp'),
    submission: xclientList('submission'),
    submissions: xclientList('submissions'),
    lmtp: xclientList('lmtp'),
  },
);

export const lmtpSection = section(
  'LMTP, the way in for another server that has filtered the mail already.',
  {
    networks: networkList({
      reload: 'restart',
      doc: 'Who may deliver over LMTP; empty is loopback only. Needed when `listen.lmtp` is not a loopback address.',
    }),
  },
);

export const loginSection = section('Limits of log-in.', {
  failuresMax: integer({
    default: 10,
    min: 1,
    max: 100_000,
    unit: 'failures',
    reload: 'restart',
    doc: 'Failed log-ins from one address to one account within `windowMs`; then that pair waits, twice as long each time.',
  }),
  windowMs: duration({
    default: 10 * minuteMs,
    min: secondMs,
    max: dayMs,
    reload: 'restart',
    doc: 'How long a failed log-in counts.',
  }),
  cacheMs: duration({
    default: minuteMs,
    min: 0,
    max: 5 * minuteMs,
    reload: 'restart',
    doc: 'How long a right password is remembered as a keyed hash in memory; 0 is off.',
  }),
  breachedPasswords: text({
    default: '',
    bounds: 'a path, or "" for none',
    reload: 'restart',
    doc: 'File of passwords stolen elsewhere, one line each: SHA-1 in upper-case hex, perhaps a colon and a count, sorted, as "Pwned Passwords" comes. Tenants refuse those.',
    example: '/var/lib/chaski/pwned-passwords.txt',
  }),
  placeNotices: flag({
    default: true,
    reload: 'restart',
    doc: 'An account is told by mail of a log-in from a network, or on the web by a kind of device, it had none from before.',
  }),
  clearNetworks: networkList({
    reload: 'live',
    doc: 'Who may log in without TLS to read mail: a proxy that ends TLS on a line nobody listens to. Empty is nobody.',
    spec: 'RFC 8314 §3.2',
    example: '["127.0.0.1"]',
  }),
});
