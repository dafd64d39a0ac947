/**
 * How settings name directories that passwords are checked by.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4516 (URLs, of which host and port are used), RFC 4515 (filters), RFC 4512 §2.5 (attribute names).
 * Limits:    `urlsMax`, `domainsMax` of a source.
 */

import {
  type Field,
  type FieldWords,
  quote,
  type Raw,
  type Reading,
  read,
  tomlText,
  tomlTexts,
  unreadable,
} from './field.ts';
import { textsOf } from './fields.ts';
import { isDomainName } from './networks.ts';
import { type Columns, inlineTable, type Named, namedRows, readColumns } from './tables.ts';

const urlsMax = 8;
const domainsMax = 1_000;

/** Attributes of an entry; "": there is none. */
export interface LdapAttributes {
  /** Must hold the address that logs in; "": the filter is trusted with that. */
  readonly address: string;
  readonly displayName: string;
  readonly aliases: string;
  readonly groups: string;
  /** Bytes, or as `5GiB`. */
  readonly quota: string;
  /**
   * `userAccountControl` and `nsAccountLock` are known; of another one 0, "false", "no", "inactive" and "disabled"
   * close. An entry without `userAccountControl` is closed, one without another attribute is open.
   */
  readonly enabled: string;
}

interface Ldap extends LdapAttributes {
  /** Tried in this order. */
  readonly urls: readonly string[];
  /** Whose passwords it checks, in lower-case A-labels. */
  readonly domains: readonly string[];
  readonly startTls: 'required' | 'off';
  /** Whom certificates are signed by, in PEM; "": those the system trusts. */
  readonly caFile: string;
  /** Who searches; "": nobody. */
  readonly bindDn: string;
  readonly passwordFile: string;
  readonly baseDn: string;
  /** With `{address}`, `{local}` and `{domain}`. */
  readonly filter: string;
  readonly createsAccounts: boolean;
}

export type LdapSetting = Named<Ldap>;

const defaults = {
  ...{ startTls: 'required', caFile: '', bindDn: '', passwordFile: '' },
  ...{ filter: '(mail={address})', address: 'mail', displayName: 'displayName' },
  ...{ aliases: '', groups: '', quota: '', enabled: '' },
} as const;

export function ldapTable(options: FieldWords): Field<readonly LdapSetting[]> {
  return namedRows<Ldap>({
    ...options,
    type: 'table of directories',
    bounds: 'each with `urls`, `domains`, `baseDn`; and what else the text names',
    example:
      '{ office = { urls = ["ldaps://dc1.example.org"], domains = ["example.org"], baseDn = "dc=example,dc=org", bindDn = "cn=chaski,dc=example,dc=org", passwordFile = "/etc/chaski/ldap-password" } }',
    readRow(raw) {
      const reading = readColumns(raw, columns);
      if (!reading.ok) return reading;
      const { bindDn, passwordFile, address, createsAccounts } = reading.value;
      if ((bindDn === '') !== (passwordFile === ''))
        return unreadable('bindDn, passwordFile: one is set without the other');
      // Directories match loosely: each spelling that the filter finds one entry by would be an account of its own.
      if (createsAccounts && address === '')
        return unreadable(
          'createsAccounts: `address` must name the attribute that accounts are named by',
        );
      return reading;
    },
    writeRow: ({ urls, domains, baseDn, createsAccounts, ...row }) =>
      inlineTable({
        ...{ urls: tomlTexts(urls), domains: tomlTexts(domains), baseDn: tomlText(baseDn) },
        ...Object.fromEntries(
          Object.entries(defaults).flatMap(([key, usual]) => {
            const value = row[key as keyof typeof defaults];
            return value === usual ? [] : [[key, tomlText(value)]];
          }),
        ),
        createsAccounts: createsAccounts ? 'true' : undefined,
      }),
  });
}

const columns: Columns<Ldap> = {
  urls(raw) {
    const reading = readTexts(raw, urlsMax);
    const wrong = reading.ok ? reading.value.find((url) => !isLdapUrl(url)) : undefined;
    if (wrong === undefined) return reading;
    return unreadable(
      `must be as "ldaps://HOST", "ldap://HOST" or "ldapi:///PATH", not ${quote(wrong)}`,
    );
  },
  domains(raw) {
    const reading = readTexts(raw, domainsMax);
    if (!reading.ok) return reading;
    const wrong = reading.value.find((name) => !isDomainName(name));
    if (wrong !== undefined) return unreadable(`${quote(wrong)} is no domain name`);
    return read(reading.value.map((name) => name.toLowerCase()));
  },
  startTls(raw = defaults.startTls) {
    return raw === 'required' || raw === 'off'
      ? read(raw)
      : unreadable(`must be "required" or "off", not ${quote(raw)}`);
  },
  caFile: (raw = defaults.caFile) => readText(raw),
  bindDn: (raw = defaults.bindDn) => readText(raw),
  passwordFile: (raw = defaults.passwordFile) => readText(raw),
  baseDn(raw) {
    const isDn = typeof raw === 'string' && raw.includes('=');
    return isDn ? readText(raw) : unreadable(`must be a DN, not ${quote(raw)}`);
  },
  filter(raw = defaults.filter) {
    const fault = typeof raw === 'string' ? filterFault(raw) : 'must be text';
    return fault === undefined ? read(raw as string) : unreadable(fault);
  },
  address: (raw = defaults.address) => readAttribute(raw),
  displayName: (raw = defaults.displayName) => readAttribute(raw),
  aliases: (raw = defaults.aliases) => readAttribute(raw),
  groups: (raw = defaults.groups) => readAttribute(raw),
  quota: (raw = defaults.quota) => readAttribute(raw),
  enabled: (raw = defaults.enabled) => readAttribute(raw),
  createsAccounts: (raw = false) =>
    typeof raw === 'boolean' ? read(raw) : unreadable(`must be true or false, not ${quote(raw)}`),
};

/** The path of an `ldapi://` URL is a socket's, written plainly or with %2F. */
function isLdapUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') return false;
  if (url.protocol === 'ldapi:') return socketPathOf(text).startsWith('/');
  const isBare = url.pathname === '' || url.pathname === '/';
  return (url.protocol === 'ldap:' || url.protocol === 'ldaps:') && url.hostname !== '' && isBare;
}

export function socketPathOf(url: string): string {
  try {
    return decodeURIComponent(url.replace(/^ldapi:\/\//, ''));
  } catch {
    return '';
  }
}

const placeholders = new Set(['address', 'local', 'domain']);

/** Undefined: it has an address in it, and its brackets match. Escaped ones (RFC 4515 §3) are no brackets. */
function filterFault(filter: string): string | undefined {
  const names = [...filter.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unknown = names.find((name) => !placeholders.has(name));
  if (unknown !== undefined) return `there is no {${unknown}}: {address}, {local}, {domain}`;
  if (!names.includes('address') && !names.includes('local'))
    return 'must have {address} or {local} in it, or it finds anybody';
  let depth = 0;
  for (const char of filter) {
    if (char === '(') depth++;
    if (char === ')' && --depth < 0) break;
  }
  return filter.startsWith('(') && depth === 0 ? undefined : 'its brackets do not match';
}

/** RFC 4512 §1.4: a name or a dotted number, with options. */
function readAttribute(raw: unknown): Reading<string> {
  const isGood = typeof raw === 'string' && /^([A-Za-z0-9][A-Za-z0-9.;-]*)?$/.test(raw);
  return isGood ? read(raw) : unreadable(`must name an attribute, not ${quote(raw)}`);
}

function readText(raw: unknown): Reading<string> {
  const isGood = typeof raw === 'string' && !raw.includes('\0');
  return isGood ? read(raw) : unreadable(`must be text, not ${quote(raw)}`);
}

function readTexts(raw: unknown, countMax: number): Reading<readonly string[]> {
  const texts = textsOf(raw as Raw);
  const isGood =
    texts !== undefined && texts.length >= 1 && texts.length <= countMax && !texts.includes('');
  return isGood ? read(texts) : unreadable(`must be a list of 1 to ${countMax} texts`);
}
