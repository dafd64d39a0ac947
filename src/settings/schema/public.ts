/** What mail programs are told to connect to. */

import { dayMs, hourMs } from '../../base/units.ts';
import { type ServiceName, serviceNames } from '../../mail/formats/client-config/services.ts';
import { quote, read, section, unreadable } from '../field.ts';
import { choice, duration, list, text } from '../fields.ts';
import { isDomainName } from '../networks.ts';

export interface PublicService {
  readonly name: ServiceName;
  /** 0: the port of its listener. */
  readonly port: number;
}

const names: readonly string[] = serviceNames;

function readService(item: string) {
  const [name = '', port = '0', ...more] = item.split(':');
  const number = Number(port);
  const isPort = /^\d{1,5}$/.test(port) && number <= 65_535 && more.length === 0;
  if (!names.includes(name) || !isPort) {
    return unreadable(`${quote(item)} is not NAME or NAME:PORT with one of ${names.join(', ')}`);
  }
  return read<PublicService>({ name: name as ServiceName, port: number });
}

export const publicSection = section(
  'What mail programs are told to connect to, by autoconfig, autodiscover, Apple profiles and SRV records.',
  {
    host: text({
      default: '',
      bounds: 'a domain name, or "" for `hostname`',
      example: 'mail.example.org',
      reload: 'restart',
      doc: 'The name programs connect to. The certificate must hold it.',
      check: (name) =>
        name === '' || isDomainName(name) ? undefined : `"${name}" is not a domain name`,
    }),
    services: list<PublicService>({
      type: 'list of services',
      default: serviceNames.map((name) => ({ name, port: 0 })),
      example: '["imaps:993", "submissions:465"]',
      reload: 'restart',
      doc: 'Services in order of preference, as NAME or, where programs see another port than `listen.NAME` has, NAME:PORT. One without a port is told only while its listener is on and not on loopback alone. `managesieve` is told by its SRV record alone: the other ways have no words for it.',
      spec: 'RFC 8314 §3, RFC 5804 §1.8',
      readItem: readService,
      write: ({ name, port }) => (port === 0 ? name : `${name}:${port}`),
    }),
    url: text({
      default: '',
      bounds: 'an https:// address without a path, or ""',
      example: 'https://mail.example.org',
      reload: 'restart',
      doc: 'Where programs reach `listen.http`, through a proxy that has a certificate. With it `domain show` prints the records of autoconfig and autodiscover.',
      check: (url) => (url === '' || isOrigin(url) ? undefined : `"${url}" is not https://NAME`),
    }),
  },
);

function isOrigin(url: string): boolean {
  const match = /^https:\/\/([^/:]+)(?::\d{1,5})?$/.exec(url);
  return match !== null && isDomainName(match[1]!);
}

export const mtaStsSection = section('The MTA-STS policy of our own domains.', {
  mode: choice({
    values: ['off', 'testing', 'enforce', 'none'],
    default: 'off',
    reload: 'restart',
    doc: 'What other servers do when they reach no host of ours under a certificate that fits: "off" publishes no policy, "testing" lets them send all the same, "enforce" has them wait, "none" takes a published policy back. It is served on `listen.http` for `mta-sts.DOMAIN`; `domain show` prints the records. It needs `public.url`.',
    spec: 'RFC 8461 §3',
  }),
  mx: list<string>({
    type: 'list of names',
    default: [],
    example: '["backup.example.net"]',
    reload: 'restart',
    doc: 'Hosts besides `hostname` that take mail for our domains; "*.example.net" stands for one label.',
    spec: 'RFC 8461 §4.1',
    readItem: (name) =>
      isDomainName(name.replace(/^\*\./, ''))
        ? read(name.toLowerCase())
        : unreadable(`${quote(name)} is not a host name`),
    write: (name) => name,
  }),
  maxAgeMs: duration({
    default: 7 * dayMs,
    min: hourMs,
    max: 365 * dayMs,
    reload: 'restart',
    doc: 'How long other servers believe the policy.',
    spec: 'RFC 8461 §3.2',
  }),
});
