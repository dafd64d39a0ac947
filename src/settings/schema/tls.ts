/** Settings of certificates: our own, those a certificate authority gives us, and those clients show. */

import { dayMs } from '../../base/units.ts';
import { certificateAccounts, certificateTable, orderedTable } from '../certificates.ts';
import { read, section, unreadable } from '../field.ts';
import { choice, duration, flag, list, text } from '../fields.ts';

const path = (doc: string, example: string) =>
  text({ default: '', bounds: 'a path, or "" for none', reload: 'live', doc, example });

const paths = (doc: string, example: string) =>
  list<string>({
    type: 'list of paths',
    default: [],
    reload: 'live',
    doc,
    example,
    readItem: (item) => (item === '' ? unreadable('a path is empty') : read(item)),
    write: (item) => item,
  });

export const tlsSection = section(
  'The certificates of all listeners. Without any, a self-signed one is made in the data folder.',
  {
    cert: path(
      'PEM file of the certificate and its chain, shown to whoever asks for no name of another one. It and the others are read again when they change, and on SIGHUP.',
      '/etc/chaski/tls/fullchain.pem',
    ),
    key: path('PEM file of its key.', '/etc/chaski/tls/privkey.pem'),
    certificates: certificateTable({
      reload: 'live',
      doc: 'Further certificates, each with `cert` and `key`: shown to those who ask for one of its names (SNI), wildcards included.',
      spec: 'RFC 6066 §3',
    }),
    versionMin: choice({
      values: ['TLSv1.2', 'TLSv1.3'],
      default: 'TLSv1.2',
      reload: 'live',
      doc: 'Oldest TLS version taken.',
      spec: 'RFC 8996, RFC 9325 §3.1.1',
    }),
    expiryWarnMs: duration({
      default: 14 * dayMs,
      min: 0,
      max: 365 * dayMs,
      reload: 'live',
      doc: 'A certificate that ends so soon is warned of each day; one that lives for less than six times as long, in the last sixth of its life.',
    }),
  },
);

export const acmeSection = section(
  'Certificates from a certificate authority by ACME, renewed after two thirds of their life. "" in `directory` is off.',
  {
    directory: text({
      default: '',
      bounds: 'an https:// URL, or "" for off',
      reload: 'live',
      doc: "The authority's directory.",
      spec: 'RFC 8555 §7.1.1',
      example: 'https://acme-v02.api.letsencrypt.org/directory',
      check: (url) =>
        url === '' || (URL.canParse(url) && new URL(url).protocol === 'https:')
          ? undefined
          : 'must be an https:// URL',
    }),
    agreesToTerms: flag({
      default: false,
      reload: 'live',
      doc: 'You have read the terms of service of the authority and agree to them. Nothing is ordered without.',
      spec: 'RFC 8555 §7.3',
    }),
    email: text({
      default: '',
      bounds: 'an address, or "" for none',
      reload: 'live',
      doc: 'Where the authority may write to.',
      spec: 'RFC 8555 §7.3',
      example: 'postmaster@example.org',
      check: (address) =>
        address === '' || /^[^\s@,?]+@[^\s@,?]+$/.test(address) ? undefined : 'is no address',
    }),
    certificates: orderedTable({
      reload: 'live',
      doc: 'What is ordered: each row one certificate, for all its `names`.',
      spec: 'RFC 8555 §7.4',
    }),
    challenge: choice({
      values: ['http-01', 'tls-alpn-01'],
      default: 'http-01',
      reload: 'live',
      doc: 'How the authority sees that the names are ours: http-01 by `listen.http`, which it must reach on port 80; tls-alpn-01 by `listen.https`, on port 443.',
      spec: 'RFC 8555 §8.3, RFC 8737',
    }),
    ca: path(
      "PEM file of the CA that the directory's own certificate is from, for an authority of one's own.",
      '/etc/chaski/tls/own-ca.pem',
    ),
    bindingKeyId: text({
      default: '',
      reload: 'live',
      doc: 'Key identifier of the external account, where the authority asks for one.',
      spec: 'RFC 8555 §7.3.4',
      example: 'kid-1',
    }),
    bindingKeyFile: path(
      'File of its key, base64url as the authority gave it.',
      '/etc/chaski/tls/acme-binding',
    ),
  },
);

/** Listeners with log-in. */
const askingListeners = [
  ...(['submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s', 'managesieve'] as const),
];

export const clientCertificateSection = section(
  'Log-in by client certificate (SASL EXTERNAL), for accounts of tenants whose policy allows it. Off without `ca`.',
  {
    ca: paths(
      'PEM files of the CAs whose certificates count. With any, clients are asked for one, and none is refused for want of it.',
      '["/etc/chaski/tls/clients-ca.pem"]',
    ),
    crl: paths(
      'PEM files of what they revoked: with any, one of each CA is needed, and in time. Read again when they change.',
      '["/etc/chaski/tls/clients-crl.pem"]',
    ),
    listeners: list<(typeof askingListeners)[number]>({
      type: 'list of listeners',
      bounds: askingListeners.join(', '),
      default: askingListeners,
      reload: 'live',
      doc: 'Where clients are asked for a certificate.',
      readItem: (item) => {
        const found = askingListeners.find((each) => each === item);
        return found === undefined ? unreadable(`"${item}" has no log-in`) : read(found);
      },
      write: (item) => item,
    }),
    usesMailAddress: flag({
      default: false,
      reload: 'live',
      doc: 'A mail address in the certificate (rfc822Name) is the account it stands for. The CAs above can then name any account.',
      spec: 'RFC 5280 §4.2.1.6',
    }),
    accounts: certificateAccounts({
      reload: 'live',
      doc: 'Which account a certificate stands for, by its `fingerprint` (SHA-256) or its `subject`; these come before mail addresses in it.',
      spec: 'RFC 4422 appendix A',
    }),
  },
);
