/** Settings of the audit log. */

import { gibibyte, hourMs, mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import { section } from '../field.ts';
import { bytes, choice, duration, integer, text } from '../fields.ts';

function checkUrl(given: string): string | undefined {
  if (given === '') return undefined;
  const url = URL.parse(given);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  return isWeb && url.username === '' ? undefined : `"${given}" is no http or https URL`;
}

const webBounds = 'an https:// or http:// URL, or "" for none';

export interface SyslogReceiver {
  readonly transport: 'tcp' | 'tls' | 'udp';
  readonly host: string;
  readonly port: number;
}

/** RFC 5426 §3.3, RFC 6587 §3.2 (none is registered for TCP; 601 is that of RFC 3195), RFC 5425 §4.1. */
const syslogPorts = { 'udp:': 514, 'tcp:': 601, 'tls:': 6_514 } as const;

/** Undefined: it is no receiver. */
export function syslogReceiver(given: string): SyslogReceiver | undefined {
  const url = URL.parse(given);
  const scheme = url?.protocol as keyof typeof syslogPorts;
  if (url === null || !Object.hasOwn(syslogPorts, scheme) || url.hostname === '') return undefined;
  if (url.username !== '' || !['', '/'].includes(url.pathname) || url.search !== '')
    return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? syslogPorts[scheme] : Number(url.port);
  return { transport: scheme.slice(0, 3) as SyslogReceiver['transport'], host, port };
}

const syslogSection = section('A syslog receiver that all entries are sent to, as CEF.', {
  url: text({
    default: '',
    bounds: 'tcp://HOST:PORT, tls://HOST:PORT or udp://HOST:PORT, or "" for none',
    example: 'tls://siem.example.org:6514',
    reload: 'restart',
    doc: 'Where to: by UDP entries may be lost. Signed heads go there, too.',
    spec: 'RFC 5424, RFC 5425, RFC 5426, RFC 6587',
    check: (given) =>
      given === '' || syslogReceiver(given) !== undefined
        ? undefined
        : `"${given}" is not tcp://, tls:// or udp:// with a host`,
  }),
});

const elasticsearchSection = section('An Elasticsearch that all entries are sent to.', {
  url: text({
    default: '',
    bounds: webBounds,
    example: 'https://search.example.org:9200',
    reload: 'restart',
    doc: 'Where to, without `/_bulk`.',
    check: (given) => (given.endsWith('/') ? `"${given}" ends with a slash` : checkUrl(given)),
  }),
  index: text({
    default: 'chaski-audit',
    bounds: 'the name of an index or data stream',
    reload: 'restart',
    doc: 'The index, or data stream, they are put into.',
    check: (name) =>
      /^[a-z0-9][a-z0-9._-]{0,99}$/.test(name) ? undefined : `"${name}" is no name of an index`,
  }),
  authorizationFile: text({
    default: '',
    bounds: 'a path, or "" for none',
    example: '/etc/chaski/elasticsearch-authorization',
    reload: 'restart',
    doc: 'File with the value of the Authorization header, as `ApiKey …`.',
  }),
});

const headsSection = section('Signed heads: what shows that entries were cut off or made again.', {
  everyMs: duration({
    default: minuteMs,
    min: secondMs,
    max: hourMs,
    reload: 'restart',
    doc: 'How often the newest entry is signed, and the signature sent out.',
  }),
  keyDays: integer({
    default: 90,
    min: 1,
    max: 3_650,
    unit: 'days',
    reload: 'restart',
    doc: 'After so long another key signs; the old one signs it.',
  }),
  file: text({
    default: '',
    bounds: 'a path, or "" for none',
    example: '/mnt/write-once/chaski-heads.jsonl',
    reload: 'restart',
    doc: 'File that heads are appended to: on another machine, or where nobody who has the data folder can change it.',
  }),
  url: text({
    default: '',
    bounds: webBounds,
    example: 'https://heads.example.org/chaski',
    reload: 'restart',
    doc: 'URL that heads are posted to, with the keys, a line of JSON each.',
    check: checkUrl,
  }),
});

export const auditSection = section('The audit log: who did what (docs/audit.md).', {
  failure: choice({
    values: ['refuse', 'go-on'],
    default: 'refuse',
    reload: 'restart',
    doc: 'What becomes of acts that change something while the audit log cannot be written: "refuse" does not do them, "go-on" does them, and writes what it can once it can. Mail and log-ins go on in both.',
  }),
  keepDays: integer({
    default: 400,
    min: 0,
    max: 36_500,
    unit: 'days',
    reload: 'restart',
    doc: 'How long entries are kept; 0: as long as there is room by `audit.bytesMax`.',
  }),
  bytesMax: bytes({
    default: 4 * gibibyte,
    min: 16 * mebibyte,
    max: 1_024 * gibibyte,
    reload: 'restart',
    doc: 'Size of all entries; past it the oldest go.',
  }),
  segmentBytesMax: bytes({
    default: 16 * mebibyte,
    min: 64 * 1024,
    max: gibibyte,
    reload: 'restart',
    doc: 'The next file is begun once one has this size, or is a day old. Files go whole.',
  }),
  logInsPerMinuteMax: integer({
    default: 1_000,
    min: 10,
    max: 100_000,
    reload: 'restart',
    doc: 'Entries that log-ins may cost in a minute. Those of one account, address and mechanism are one entry a minute, with a count; past the bound one entry says how many there were.',
  }),
  roots: text({
    default: '',
    bounds: 'a path, or "" for none',
    example: '/etc/chaski/siem-ca.pem',
    reload: 'restart',
    doc: 'PEM file of authorities trusted besides the system’s, for `audit.syslog` and `audit.elasticsearch`.',
  }),
  heads: headsSection,
  syslog: syslogSection,
  elasticsearch: elasticsearchSection,
});
