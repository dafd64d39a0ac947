/** Settings of mail that goes on to other servers: who may send it, where it goes, how often it is tried. */

import { dayMs, hourMs, minuteMs, secondMs } from '../../base/units.ts';
import { read, section, unreadable } from '../field.ts';
import { choice, duration, flag, integer, list, text } from '../fields.ts';
import { addressList, isDomainName, networkList, route, routeTable } from '../networks.ts';
import { egressEntries } from './egress.ts';

export const relaySection = section('Mail to other servers.', {
  route: route({
    default: 'mx',
    reload: 'restart',
    doc: 'Way for everything that is not local: "mx" asks the DNS, "smtp://HOST:PORT" is one next server.',
    spec: 'RFC 5321 §5.1',
  }),
  routes: routeTable({
    reload: 'restart',
    doc: 'Ways of single domains, before `relay.route`. ".example.org" stands for all names below example.org.',
  }),
  networks: networkList({
    reload: 'live',
    doc: 'Networks whose mail is relayed anywhere without log-in and is not verified. Empty: none, not even loopback.',
    example: '["127.0.0.0/8", "::1", "192.0.2.0/24"]',
  }),
  privateTargets: flag({
    default: false,
    reload: 'restart',
    doc: 'Whether targets found in the DNS may be loopback, link-local or private addresses.',
  }),
  mxPort: integer({
    default: 25,
    min: 1,
    max: 65_535,
    reload: 'restart',
    doc: 'Port of the servers found by MX.',
  }),
  user: text({
    default: '',
    reload: 'restart',
    doc: 'User to log in as at the `smtp://` next server; "" is no log-in.',
    example: 'relay-user',
  }),
  passwordFile: text({
    default: '',
    bounds: 'a path, or "" for none',
    reload: 'restart',
    doc: 'File whose first line is the password of `relay.user`; readable by its owner only.',
    example: '/etc/chaski/relay-password',
  }),
  tls: choice({
    values: ['off', 'opportunistic', 'required', 'verified'],
    default: 'opportunistic',
    reload: 'restart',
    doc: 'TLS to other servers: never; where offered, unverified; always, unverified; always, and the certificate must fit the name.',
    spec: 'RFC 3207, RFC 7435',
  }),
  dane: flag({
    default: true,
    reload: 'restart',
    doc: 'Whether hosts with TLSA records that DNSSEC proves get mail only under a certificate that fits them. It takes a resolver that validates (`dns.servers`), and `tls` other than "off".',
    spec: 'RFC 7672',
  }),
  mtaSts: flag({
    default: true,
    reload: 'restart',
    doc: 'Whether domains that publish an MTA-STS policy get mail as it asks: only at the hosts it names, and only under certificates that fit. DANE goes before.',
    spec: 'RFC 8461',
  }),
  policyPort: integer({
    default: 443,
    min: 1,
    max: 65_535,
    reload: 'restart',
    doc: 'Port of the hosts that serve MTA-STS policies.',
  }),
  policyMsMax: duration({
    default: 30 * secondMs,
    min: 100,
    max: 5 * minuteMs,
    reload: 'restart',
    doc: 'Wait for one MTA-STS policy; mail to its domain waits as long.',
    spec: 'RFC 8461 §3.3',
  }),
  caFile: text({
    default: '',
    bounds: 'a path, or "" for none',
    reload: 'restart',
    doc: 'File with certificates (PEM) of authorities that are trusted for other servers, besides those Node trusts.',
    example: '/etc/chaski/authorities.pem',
  }),
  ...egressEntries,
  connectionsPerSiteMax: integer({
    default: 20,
    min: 1,
    max: 10_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Connections to one site (one set of MX hosts).',
  }),
  connectionsMax: integer({
    default: 1_000,
    min: 1,
    max: 100_000,
    unit: 'connections',
    reload: 'restart',
    doc: 'Outgoing connections in all.',
  }),
  messagesPerConnectionMax: integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: 'messages',
    reload: 'restart',
    doc: 'Messages sent over one connection before it is closed.',
  }),
  connectMsMax: duration({
    default: 30 * secondMs,
    min: 100,
    max: 10 * minuteMs,
    reload: 'restart',
    doc: 'Wait for a connection to one address.',
  }),
  replyMsMax: duration({
    default: 5 * minuteMs,
    min: 100,
    max: hourMs,
    reload: 'restart',
    doc: 'Wait for the reply to a command.',
    spec: 'RFC 5321 §4.5.3.2',
  }),
  dataMsMax: duration({
    default: 10 * minuteMs,
    min: 100,
    max: hourMs,
    reload: 'restart',
    doc: 'Wait for the reply to the end of the data.',
    spec: 'RFC 5321 §4.5.3.2.6',
  }),
  holdMsMax: duration({
    default: 30 * dayMs,
    min: 0,
    max: 366 * dayMs,
    reload: 'live',
    doc: 'How long a sender who may relay may have a message held back before it is delivered; 0 is not at all.',
    spec: 'RFC 4865',
  }),
  retryMsMin: duration({
    default: 5 * minuteMs,
    min: 100,
    max: dayMs,
    reload: 'restart',
    doc: 'Wait before the second try; each later wait is twice the one before.',
    spec: 'RFC 5321 §4.5.4.1',
  }),
  retryMsMax: duration({
    default: 4 * hourMs,
    min: 100,
    max: 7 * dayMs,
    reload: 'restart',
    doc: 'Longest wait between two tries.',
    spec: 'RFC 5321 §4.5.4.1',
  }),
  retryJitterPercent: integer({
    default: 20,
    min: 0,
    max: 90,
    unit: 'percent',
    reload: 'restart',
    doc: 'Waits are spread by up to this much, so that a site that comes back is not met by all at once.',
  }),
  expiryMs: duration({
    default: 5 * dayMs,
    min: secondMs,
    max: 60 * dayMs,
    reload: 'restart',
    doc: 'A recipient not reached for so long is given up and bounced.',
    spec: 'RFC 5321 §4.5.4.1',
  }),
  delayNoticeMs: duration({
    default: 4 * hourMs,
    min: 0,
    max: 60 * dayMs,
    reload: 'restart',
    doc: 'Senders who asked for it (NOTIFY=DELAY) hear of a delay after this long; 0 is never.',
    spec: 'RFC 3461 §4.1',
  }),
});

export const dnsSection = section('Look-ups in the DNS.', {
  servers: addressList({
    default: '',
    example: '127.0.0.1:53',
    portDefault: 53,
    reload: 'restart',
    doc: 'Resolvers to ask; "" takes those of the system (/etc/resolv.conf).',
  }),
  timeoutMs: duration({
    default: 5 * secondMs,
    min: 50,
    max: minuteMs,
    reload: 'restart',
    doc: 'Wait for one answer, all tries together.',
  }),
  trustedNetworks: networkList({
    reload: 'restart',
    doc: 'Resolvers that validate and are reached over a safe way: their word (AD) that an answer is signed is believed, as that of loopback is.',
    spec: 'RFC 6840 §5.7',
    example: '["192.0.2.53"]',
  }),
});

export const verificationSection = section('SPF, DKIM, DMARC and ARC of mail from strangers.', {
  isOn: flag({
    default: true,
    reload: 'live',
    doc: 'Whether mail that is neither logged in nor from `relay.networks` is verified and marked.',
    spec: 'RFC 8601',
  }),
  dmarc: choice({
    values: ['mark', 'enforce'],
    default: 'mark',
    reload: 'live',
    doc: 'Mail that fails DMARC under a policy of reject or quarantine: taken and marked, or refused and set apart as the policy asks.',
    spec: 'RFC 9989 §5.4',
  }),
  dmarcQuarantine: choice({
    values: ['junk', 'quarantine'],
    default: 'junk',
    reload: 'live',
    doc: 'Where mail goes that fails DMARC under a policy of quarantine, where `verification.dmarc` is "enforce": into Junk, or into the quarantine of its account.',
    spec: 'RFC 9989 §5.4',
  }),
  dmarcExceptNetworks: networkList({
    reload: 'live',
    doc: 'Forwarders that do not seal: where `verification.dmarc` is "enforce", mail that fails DMARC is taken from them, and marked.',
    spec: 'RFC 9989 §5.4',
  }),
  dmarcExceptDomains: list<string>({
    type: 'domain names',
    default: [],
    example: '["example.net"]',
    reload: 'live',
    doc: 'Domains of authors, names below them included, whose mail is taken, and marked, though it fails DMARC: anybody can write in their name then.',
    spec: 'RFC 9989 §5.4',
    readItem: (name) =>
      isDomainName(name) ? read(name.toLowerCase()) : unreadable(`"${name}" is not a domain name`),
    write: (name) => name,
  }),
  trustedSealers: list<string>({
    type: 'domain names',
    default: [],
    example: '["lists.example.net"]',
    reload: 'live',
    doc: 'Mailing lists and forwarders whose ARC seals are believed: mail that fails DMARC is not refused where a chain that passes was sealed by these alone, and the first of them found DMARC to pass.',
    spec: 'RFC 8617 §7.2.1',
    readItem: (name) =>
      isDomainName(name) ? read(name.toLowerCase()) : unreadable(`"${name}" is not a domain name`),
    write: (name) => name,
  }),
  verdictMsMax: duration({
    default: 10 * secondMs,
    min: 100,
    max: 5 * minuteMs,
    reload: 'restart',
    doc: 'A message waits at most this long for verdicts; what is missing then counts as a temporary error.',
  }),
});
