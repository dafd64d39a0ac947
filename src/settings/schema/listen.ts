/** Settings of the addresses Chaski listens on. */

import { read, section, unreadable } from '../field.ts';
import { choice, integer, list } from '../fields.ts';
import { addressList, isDomainName, networkList } from '../networks.ts';

const listener = (doc: string, standard: number, portText: string, spec?: string) =>
  addressList({
    default: portText,
    example: `0.0.0.0:${standard}, [::]:${standard}`,
    reload: 'restart',
    doc: `${doc} Standard port: ${standard}.`,
    ...(spec === undefined ? {} : { spec }),
  });

export const listenSection = section(
  'Listening addresses: a comma list of HOST:PORT (IPv4, or IPv6 in brackets), or "" for off. Port 0 takes a free one.',
  {
    smtp: listener(
      'Mail from other servers, and relay for `relay.networks`.',
      25,
      '127.0.0.1:2525',
      'RFC 5321',
    ),
    submission: listener(
      'Mail from users, STARTTLS, log-in required.',
      587,
      '127.0.0.1:2587',
      'RFC 6409',
    ),
    submissions: listener(
      'Mail from users, TLS from the first byte, log-in required.',
      465,
      '127.0.0.1:2465',
      'RFC 8314 §3.3',
    ),
    lmtp: listener(
      'Delivery into local accounts only. See `lmtp.networks`.',
      24,
      '127.0.0.1:2424',
      'RFC 2033',
    ),
    http: listener('/metrics, /healthz, /readyz.', 80, '127.0.0.1:2080'),
    imap: listener(
      'Mailboxes, STARTTLS, log-in under TLS only.',
      143,
      '127.0.0.1:2143',
      'RFC 9051',
    ),
    imaps: listener('Mailboxes, TLS from the first byte.', 993, '127.0.0.1:2993', 'RFC 8314 §3.2'),
    pop3: listener(
      'Download of INBOX, STLS, log-in under TLS only.',
      110,
      '127.0.0.1:2110',
      'RFC 1939',
    ),
    pop3s: listener(
      'Download of INBOX, TLS from the first byte.',
      995,
      '127.0.0.1:2995',
      'RFC 8314 §3.3',
    ),
    managesieve: listener(
      'Sieve scripts of users, STARTTLS, log-in under TLS only.',
      4190,
      '127.0.0.1:4190',
      'RFC 5804',
    ),
    https: addressList({
      default: '',
      example: '0.0.0.0:443, [::]:443',
      reload: 'restart',
      doc: 'HTTP over TLS: the API, MTA-STS policies, unsubscribing, reports, client settings; no measurements. Standard port: 443.',
      spec: 'RFC 9110 §4.2.2',
    }),
  },
);

export const httpSection = section('HTTP.', {
  hosts: list<string>({
    type: 'list of names',
    default: [],
    example: '["chaski.example.org"]',
    reload: 'restart',
    doc: 'Names in Host that are answered, besides addresses, `localhost` and `hostname`.',
    spec: 'RFC 9110 §7.2',
    readItem: (name) =>
      isDomainName(name) ? read(name.toLowerCase()) : unreadable(`"${name}" is not a domain name`),
    write: (name) => name,
  }),
  trustedProxies: networkList({
    reload: 'restart',
    doc: 'Proxies before the HTTP listeners, who are believed about whose requests they bring, and by TLS or not. Empty is nobody: a request is of the address it comes from.',
    example: '["127.0.0.1", "::1"]',
  }),
  forwardedBy: choice({
    values: ['x-forwarded-for', 'forwarded'],
    default: 'x-forwarded-for',
    reload: 'restart',
    doc: 'The header that `http.trustedProxies` set: X-Forwarded-For (with X-Forwarded-Proto), or Forwarded. The other one is not read, for a proxy passes on what clients write into it.',
    spec: 'RFC 7239',
  }),
  connectionsMax: integer({
    default: 500,
    min: 1,
    max: 100_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections at once to each of the HTTP listeners (`listen.http`, `listen.https`, `api.listen`, `metrics.listen`); more are closed.',
  }),
  connectionsPerAddressMax: integer({
    default: 50,
    min: 1,
    max: 100_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'The same of one IPv4 address or IPv6 /64. `http.trustedProxies`, `relay.networks` and loopback are not counted.',
  }),
});

export const apiSection = section('HTTP API.', {
  listen: addressList({
    default: '',
    example: '10.0.0.5:2081',
    reload: 'restart',
    doc: 'Own listener for /api, for a proxy that has a certificate; "" serves it on `listen.http`, where that is a loopback address. `listen.https` has it in any case.',
  }),
  eventReadsPerMinuteMax: integer({
    default: 600,
    min: 0,
    max: 1_000_000,
    reload: 'live',
    doc: 'Requests a minute for events (`GET /api/v1/events`) by one key; further ones are answered with 429. 0: no limit.',
  }),
  eventWaitsPerKeyMax: integer({
    default: 4,
    min: 1,
    max: 10_000,
    reload: 'live',
    doc: 'Requests of one key that may wait for events at once; further ones are answered with 429.',
  }),
  eventWaitsMax: integer({
    default: 128,
    min: 1,
    max: 10_000,
    reload: 'live',
    doc: 'Requests of all keys that may wait for events at once; further ones are answered with 503. A listener has `http.connectionsMax` for all requests.',
  }),
});

export const metricsSection = section('Measurements.', {
  listen: addressList({
    default: '',
    example: '127.0.0.1:9100',
    reload: 'restart',
    doc: 'Own listener for /metrics, /healthz and /readyz; "" serves them on `listen.http`, and then nowhere else.',
  }),
});
