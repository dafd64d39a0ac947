/**
 * How settings say by which sources mail leaves, which pools they make, and which mail goes by which pool.
 *
 * Runs in:   anywhere; pure.
 * Invariant: values are plain data: they cross threads as they are. Passwords stand in files, never here.
 */

import { isIPv4, isIPv6 } from 'node:net';
import {
  type Field,
  type FieldWords,
  quote,
  type Reading,
  read,
  tomlText,
  unreadable,
} from './field.ts';
import { wordsOf } from './fields.ts';
import { isDomainName, readListenAddress, writeListenAddress } from './networks.ts';
import {
  type Columns,
  inlineTable,
  type Named,
  namedRows,
  nameFault,
  readColumns,
  rows,
} from './tables.ts';

export interface ProxySetting {
  readonly kind: 'socks5' | 'proxy-v2';
  readonly host: string;
  readonly port: number;
  /** With SOCKS 5; "" is no log-in. */
  readonly user: string;
}

interface SourceRow {
  /** "": none of this family; both "": as the system chooses. */
  readonly ipv4: string;
  readonly ipv6: string;
  /** "": the server's own. */
  readonly helloName: string;
  readonly proxy: ProxySetting | undefined;
  /** Of the proxy's user. */
  readonly passwordFile: string;
  /** New: it sends by the plan, day by day. */
  readonly warmup: boolean;
}

interface PoolRow {
  readonly sources: readonly PoolMember[];
  /** Tenants whose mail may ask for it by `X-Chaski-Pool`. */
  readonly tenants: readonly string[];
}

export interface PoolMember {
  readonly source: string;
  readonly weight: number;
}

/** "" matches all. */
export interface PoolRule {
  readonly tenant: string;
  readonly campaign: string;
  /** Of the recipient, in lower-case A-labels; ".example.org" stands for every name below example.org. */
  readonly domain: string;
  readonly pool: string;
}

export type SourceSetting = Named<SourceRow>;
export type PoolSetting = Named<PoolRow>;

const weightMax = 1_000;

export function sourceTable(options: FieldWords): Field<readonly SourceSetting[]> {
  return namedRows<SourceRow>({
    ...options,
    type: 'table of sources',
    bounds:
      'each with `ipv4`, `ipv6`, `helloName`, `proxy`, `passwordFile`, `warmup`, as far as wanted',
    example:
      '{ vie1 = { ipv4 = "192.0.2.10", ipv6 = "2001:db8::10", helloName = "mail1.example.org" }, vie2 = { proxy = "socks5://ann@192.0.2.9:1080", passwordFile = "/etc/chaski/vie2", warmup = true } }',
    readRow: (raw) => readColumns(raw, sourceColumns),
    writeRow: (row) =>
      inlineTable({
        ipv4: textOf(row.ipv4),
        ipv6: textOf(row.ipv6),
        helloName: textOf(row.helloName),
        proxy: row.proxy === undefined ? undefined : tomlText(writeProxy(row.proxy)),
        passwordFile: textOf(row.passwordFile),
        warmup: row.warmup ? 'true' : undefined,
      }),
  });
}

export function poolTable(options: FieldWords): Field<readonly PoolSetting[]> {
  return namedRows<PoolRow>({
    ...options,
    type: 'table of pools',
    bounds: `each with \`sources\` (a table of SOURCE = weight, 1 to ${weightMax}) and, where tenants may ask for it, \`tenants\``,
    example: '{ bulk = { sources = { vie1 = 3, vie2 = 1 }, tenants = ["acme"] } }',
    readRow: (raw) => readColumns(raw, poolColumns),
    writeRow: ({ sources, tenants }) =>
      inlineTable({
        sources: inlineTable(
          Object.fromEntries(sources.map(({ source, weight }) => [source, String(weight)])),
        ),
        tenants: tenants.length === 0 ? undefined : `[${tenants.map(tomlText).join(', ')}]`,
      }),
  });
}

export function poolRules(options: FieldWords): Field<readonly PoolRule[]> {
  return rows<PoolRule>({
    ...options,
    type: 'list of rules',
    bounds: 'each with `pool`, and `tenant`, `campaign`, `domain` as far as they must match',
    example:
      '[{ tenant = "acme", campaign = "newsletter", pool = "bulk" }, { domain = ".example.org", pool = "near" }]',
    readRow: (raw) => readColumns(raw, ruleColumns),
    writeRow: (row) =>
      inlineTable({
        tenant: textOf(row.tenant),
        campaign: textOf(row.campaign),
        domain: textOf(row.domain),
        pool: tomlText(row.pool),
      }),
  });
}

const daysMax = 366;
const countMax = 1_000_000_000;

/** Messages a day, from the first day on; a TOML array of numbers, or one text with commas. */
export function dailyPlan(
  options: FieldWords & { readonly default: readonly number[] },
): Field<readonly number[]> {
  return {
    kind: 'field',
    type: 'list of numbers',
    bounds: `1 to ${daysMax} numbers, none smaller than the one before`,
    unit: 'messages',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'integer', minimum: 1 } }],
    },
    read(raw) {
      const list = typeof raw === 'string' ? raw.split(',').map((item) => Number(item)) : raw;
      if (!Array.isArray(list)) return unreadable(`must be a list of numbers, not ${quote(raw)}`);
      if (list.length === 0 || list.length > daysMax)
        return unreadable(`must have 1 to ${daysMax} numbers`);
      const wrong = list.find((item) => !Number.isSafeInteger(item) || item < 1 || item > countMax);
      if (wrong !== undefined) return unreadable(`${quote(wrong)} is no number of messages`);
      const isFalling = list.some((item, at) => at > 0 && item < list[at - 1]);
      return isFalling ? unreadable('must not fall from one day to the next') : read(list);
    },
    toToml: (list) => `[${list.join(', ')}]`,
  };
}

const sourceColumns: Columns<SourceRow> = {
  ipv4: text((given) => (isIPv4(given) ? undefined : `${quote(given)} is no IPv4 address`)),
  ipv6: text((given) => (isIPv6(given) ? undefined : `${quote(given)} is no IPv6 address`)),
  helloName: text((given) => (isDomainName(given) ? undefined : `${quote(given)} is no host name`)),
  proxy: (raw) => (raw === undefined || raw === '' ? read(undefined) : readProxy(raw)),
  passwordFile: text(),
  warmup(raw) {
    if (raw === undefined) return read(false);
    return typeof raw === 'boolean'
      ? read(raw)
      : unreadable(`must be true or false, not ${quote(raw)}`);
  },
};

const poolColumns: Columns<PoolRow> = {
  sources: readMembers,
  tenants(raw) {
    if (raw === undefined) return read([]);
    const isList = Array.isArray(raw) && raw.every((item) => typeof item === 'string');
    return isList ? read(raw) : unreadable(`must be a list of tenants, not ${quote(raw)}`);
  },
};

const ruleColumns: Columns<PoolRule> = {
  tenant: text(),
  campaign: text(),
  domain(raw) {
    const reading = text()(raw);
    if (!reading.ok || reading.value === '') return reading;
    const domain = reading.value.toLowerCase();
    return isDomainName(domain.replace(/^\./, ''))
      ? read(domain)
      : unreadable(`${quote(raw)} is not a domain name (in A-labels, as xn--...)`);
  },
  pool: (raw) => (typeof raw === 'string' ? named(raw) : unreadable('must name a pool')),
};

function named(name: string): Reading<string> {
  const fault = nameFault(name);
  return fault === undefined ? read(name) : unreadable(fault);
}

function text(check?: (given: string) => string | undefined) {
  return (raw: unknown): Reading<string> => {
    if (raw === undefined || raw === '') return read('');
    if (typeof raw !== 'string') return unreadable(`must be text, not ${quote(raw)}`);
    const fault = raw.includes('\0') ? 'must not hold a NUL character' : check?.(raw);
    return fault === undefined ? read(raw) : unreadable(fault);
  };
}

function readMembers(raw: unknown): Reading<readonly PoolMember[]> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return unreadable('must be a table of SOURCE = weight');
  }
  const members: PoolMember[] = [];
  const reasons: string[] = [];
  for (const [source, weight] of Object.entries(raw)) {
    const isWeight = Number.isSafeInteger(weight) && weight >= 1 && weight <= weightMax;
    if (isWeight) members.push({ source, weight });
    else reasons.push(`${source}: a weight is 1 to ${weightMax}, not ${quote(weight)}`);
  }
  if (members.length === 0 && reasons.length === 0) reasons.push('must name a source');
  return reasons.length > 0 ? unreadable(...reasons) : read(members);
}

/** `socks5://[USER@]ADDRESS:PORT`, `proxy-v2://ADDRESS:PORT`. */
function readProxy(raw: unknown): Reading<ProxySetting> {
  const form = '"socks5://[USER@]ADDRESS:PORT" or "proxy-v2://ADDRESS:PORT"';
  const match =
    typeof raw === 'string' ? /^(socks5|proxy-v2):\/\/(?:([^@]+)@)?(.+)$/.exec(raw) : null;
  if (match === null) return unreadable(`${quote(raw)} is not ${form}`);
  const [, kind, user = '', at] = match;
  if (kind === 'proxy-v2' && user !== '') return unreadable('the PROXY protocol knows no log-in');
  if (user.length > userBytesMax)
    return unreadable(`a user has at most ${userBytesMax} characters`);
  const address = readListenAddress(at!);
  if (!address.ok) return address;
  if (address.value.port === 0) return unreadable('a port is 1 to 65535');
  return read({ kind: kind as ProxySetting['kind'], ...address.value, user });
}

/** RFC 1929 §2: a length of one byte. */
const userBytesMax = 255;

export function writeProxy(proxy: ProxySetting): string {
  const user = proxy.user === '' ? '' : `${proxy.user}@`;
  return `${proxy.kind}://${user}${writeListenAddress(proxy)}`;
}

function textOf(value: string): string | undefined {
  return value === '' ? undefined : tomlText(value);
}
