/**
 * How settings name certificates: files of our own, names to order them for, and accounts that clients' ones stand for.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `namesMax` names of a certificate that is ordered.
 */

import {
  type Field,
  type FieldWords,
  quote,
  type Reading,
  read,
  tomlText,
  tomlTexts,
  unreadable,
} from './field.ts';
import { textsOf } from './fields.ts';
import { isDomainName } from './networks.ts';
import { type Columns, inlineTable, type Named, namedRows, readColumns, rows } from './tables.ts';

/** Let's Encrypt takes as many. */
const namesMax = 100;
/** What the one certificate of `tls.cert`, and the one we make ourselves, are called. */
export const reservedNames: readonly string[] = ['default', 'self-signed'];

interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

interface OrderedCertificate {
  /** In lower-case A-labels. */
  readonly names: readonly string[];
}

export interface CertificateAccount {
  readonly account: string;
  /** SHA-256, lower-case hex without colons; "": any. */
  readonly fingerprint: string;
  /** As `openssl x509 -subject -nameopt RFC2253` writes it; "": any. */
  readonly subject: string;
}

export type CertificateSetting = Named<CertificateFiles>;
export type OrderSetting = Named<OrderedCertificate>;

export function certificateTable(options: FieldWords): Field<readonly CertificateSetting[]> {
  return namedRows<CertificateFiles>({
    ...options,
    type: 'table of certificates',
    bounds: 'each with `cert` and `key`, paths of PEM files',
    example:
      '{ example-net = { cert = "/etc/chaski/tls/net.pem", key = "/etc/chaski/tls/net.key" } }',
    readRow: (raw) => readColumns(raw, { cert: needed('a path'), key: needed('a path') }),
    writeRow: ({ cert, key }) => inlineTable({ cert: tomlText(cert), key: tomlText(key) }),
  });
}

export function orderedTable(options: FieldWords): Field<readonly OrderSetting[]> {
  return namedRows<OrderedCertificate>({
    ...options,
    type: 'table of certificates',
    bounds: `each with \`names\`, 1 to ${namesMax} domain names without wildcards`,
    example: '{ mail = { names = ["mx.example.org", "imap.example.org"] } }',
    readRow: (raw) => readColumns(raw, { names: readNames }),
    writeRow: ({ names }) => inlineTable({ names: tomlTexts(names) }),
  });
}

export function certificateAccounts(options: FieldWords): Field<readonly CertificateAccount[]> {
  return rows<CertificateAccount>({
    ...options,
    type: 'list of accounts',
    bounds: 'each with `account`, and `fingerprint` or `subject`',
    example:
      '[{ account = "ann@example.org", fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }, { account = "bob@example.org", subject = "CN=bob,O=Example" }]',
    readRow(raw) {
      const reading = readColumns(raw, accountColumns);
      if (!reading.ok || reading.value.fingerprint !== '' || reading.value.subject !== '')
        return reading;
      return unreadable('needs a fingerprint or a subject');
    },
    writeRow: ({ account, fingerprint, subject }) =>
      inlineTable({
        account: tomlText(account),
        fingerprint: fingerprint === '' ? undefined : tomlText(fingerprint),
        subject: subject === '' ? undefined : tomlText(subject),
      }),
  });
}

const accountColumns: Columns<CertificateAccount> = {
  account: needed('an address'),
  fingerprint(raw) {
    if (raw === undefined) return read('');
    const hex = typeof raw === 'string' ? raw.replaceAll(':', '').toLowerCase() : '';
    return /^[0-9a-f]{64}$/.test(hex) ? read(hex) : unreadable('must be 32 octets in hex');
  },
  subject: (raw) => (raw === undefined ? read('') : needed('a subject')(raw)),
};

function needed(what: string): (raw: unknown) => Reading<string> {
  return (raw) =>
    typeof raw === 'string' && raw !== '' && !raw.includes('\0')
      ? read(raw)
      : unreadable(`must be ${what}, not ${quote(raw)}`);
}

function readNames(raw: unknown): Reading<readonly string[]> {
  const texts = textsOf(raw) ?? [];
  if (texts.length === 0 || texts.length > namesMax)
    return unreadable(`must be a list of 1 to ${namesMax} names`);
  const wrong = texts.find((name) => !isDomainName(name) || !name.includes('.'));
  // RFC 8555 §7.1.3 has wildcards; authorities prove them by records in the DNS only, which are not ours to write.
  if (wrong !== undefined) return unreadable(`${quote(wrong)} is no full domain name`);
  return read([...new Set(texts.map((name) => name.toLowerCase()))]);
}
