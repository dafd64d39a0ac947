/**
 * How settings say addresses to listen on, networks to trust, and routes to other servers.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4291 §2.2 (IPv6 text), RFC 4632 (prefixes).
 * Invariant: values are plain data: they cross threads as they are.
 */

import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Network } from '../base/networks.ts';
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
import { list, textsOf, wordsOf } from './fields.ts';

export interface ListenAddress {
  /** An IPv4 or IPv6 address without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export type Route =
  | { readonly kind: 'mx' }
  | { readonly kind: 'host'; readonly host: string; readonly port: number };

export interface DomainRoute {
  /** In lower-case A-labels; ".example.org" stands for every name below example.org. */
  readonly domain: string;
  readonly route: Route;
}

export interface AddressListOptions extends FieldWords {
  readonly default: string;
  readonly example?: string;
  /** The port of an item that names none; without it each item must. */
  readonly portDefault?: number;
}

/** A comma list of `HOST:PORT`; "" is none. */
export function addressList(options: AddressListOptions): Field<readonly ListenAddress[]> {
  const readItem = (item: string) => readListenAddress(item, options.portDefault);
  return {
    ...list<ListenAddress>({
      ...wordsOf(options),
      type: 'list of HOST:PORT',
      default:
        options.default === ''
          ? []
          : options.default.split(',').map((item) => sure(readItem(item))),
      ...(options.example === undefined ? {} : { example: tomlText(options.example) }),
      readItem,
      write: writeListenAddress,
    }),
    toToml: (items) => tomlText(items.map(writeListenAddress).join(', ')),
  };
}

export function networkList(
  options: FieldWords & { readonly example?: string },
): Field<readonly Network[]> {
  return list<Network>({
    ...wordsOf(options),
    type: 'list of networks',
    default: [],
    example: options.example ?? tomlTexts(['192.0.2.0/24', '2001:db8::/32']),
    readItem: readNetwork,
    write: writeNetwork,
  });
}

export function route(options: FieldWords & { readonly default: string }): Field<Route> {
  return {
    kind: 'field',
    type: 'route',
    bounds: '"mx" or "smtp://HOST:PORT"',
    unit: '',
    ...wordsOf(options),
    default: sure(readRoute(options.default)),
    jsonSchema: { type: 'string', pattern: '^(mx|smtp://.+)$' },
    read: (raw) =>
      typeof raw === 'string' ? readRoute(raw) : unreadable(`must be text, not ${quote(raw)}`),
    toToml: (value) => tomlText(writeRoute(value)),
  };
}

/** A TOML table of domain = route, or one text `a.example=mx,b.example=smtp://HOST:PORT`. */
export function routeTable(options: FieldWords): Field<readonly DomainRoute[]> {
  return {
    kind: 'field',
    type: 'table of domain = route',
    bounds: 'each "mx" or "smtp://HOST:PORT"',
    unit: '',
    ...wordsOf(options),
    default: [],
    jsonSchema: {
      anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: { type: 'string' } }],
    },
    example: '{ "example.org" = "smtp://192.0.2.25:25", ".example.net" = "mx" }',
    read(raw) {
      const pairs = pairsOf(raw);
      if (pairs === undefined) {
        return unreadable(`must be a table of domain = route, not ${quote(raw)}`);
      }
      return readDomainRoutes(pairs);
    },
    toToml: (rows) =>
      rows.length === 0
        ? '{}'
        : `{ ${rows.map((row) => `${tomlText(row.domain)} = ${tomlText(writeRoute(row.route))}`).join(', ')} }`,
  };
}

export function readListenAddress(item: string, portDefault?: number): Reading<ListenAddress> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(item);
  if (match === null) {
    const hint = isIPv6(item) ? `; an IPv6 address stands in brackets: [${item}]:PORT` : '';
    return unreadable(`${quote(item)} is not HOST:PORT${hint}`);
  }
  const host = match[1] ?? match[2] ?? '';
  const isAddress = match[1] === undefined ? isIPv4(host) : isIPv6(host);
  if (!isAddress) {
    return unreadable(
      `${quote(item)}: the host must be an IPv4 address or an IPv6 one in brackets`,
    );
  }
  const port = match[3] === undefined ? portDefault : Number(match[3]);
  if (port === undefined) return unreadable(`${quote(item)} names no port`);
  return port > 65_535
    ? unreadable(`${quote(item)}: a port is at most 65535`)
    : read({ host, port });
}

export function writeListenAddress(address: ListenAddress): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

export function readNetwork(item: string): Reading<Network> {
  const [address = '', bitsText, ...rest] = item.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || address.includes('%')) {
    return unreadable(
      `${quote(item)} is not an address or a network as 192.0.2.0/24 or 2001:db8::/32`,
    );
  }
  const bitsMax = family === 4 ? 32 : 128;
  const prefixBits =
    bitsText === undefined ? bitsMax : Number(/^\d{1,3}$/.exec(bitsText)?.[0] ?? -1);
  if (prefixBits < 0 || prefixBits > bitsMax) {
    return unreadable(`${quote(item)}: the prefix must be 0 to ${bitsMax}`);
  }
  return read({ family: family as 4 | 6, address, prefixBits });
}

export function writeNetwork(network: Network): string {
  return `${network.address}/${network.prefixBits}`;
}

const namePattern =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** A host or domain name in A-labels, without a trailing dot. */
export function isDomainName(name: string): boolean {
  return namePattern.test(name) && !/(?:^|\.)\d+$/.test(name);
}

export function readRoute(item: string): Reading<Route> {
  if (item === 'mx') return read({ kind: 'mx' });
  const match = /^smtp:\/\/(?:\[([^\]]+)\]|([^:[\]/]+)):(\d{1,5})\/?$/.exec(item);
  if (match === null) return unreadable(`${quote(item)} is not "mx" or "smtp://HOST:PORT"`);
  const host = match[1] ?? match[2] ?? '';
  const isHost = match[1] === undefined ? isIPv4(host) || isDomainName(host) : isIPv6(host);
  if (!isHost) return unreadable(`${quote(item)}: ${quote(host)} is no address and no host name`);
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return unreadable(`${quote(item)}: a port is 1 to 65535`);
  return read({ kind: 'host', host, port });
}

export function writeRoute(route: Route): string {
  if (route.kind === 'mx') return 'mx';
  return `smtp://${writeListenAddress(route)}`;
}

function readDomainRoutes(
  pairs: readonly (readonly [string, unknown])[],
): Reading<readonly DomainRoute[]> {
  const rows: DomainRoute[] = [];
  const reasons: string[] = [];
  for (const [name, value] of pairs) {
    const domain = name.toLowerCase();
    if (!isDomainName(domain.replace(/^\./, ''))) {
      reasons.push(`${quote(name)} is not a domain name (in A-labels, as xn--...)`);
      continue;
    }
    if (rows.some((row) => row.domain === domain)) reasons.push(`${quote(name)} stands twice`);
    const reading =
      typeof value === 'string' ? readRoute(value) : unreadable(`${quote(value)} is no text`);
    if (reading.ok) rows.push({ domain, route: reading.value });
    else reasons.push(...reading.reasons.map((reason) => `${domain}: ${reason}`));
  }
  return reasons.length > 0 ? unreadable(...reasons) : read(rows);
}

function pairsOf(raw: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (typeof raw === 'string') {
    return (textsOf(raw) ?? []).map((item) => {
      const at = item.indexOf('=');
      return at < 0 ? [item, ''] : [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    });
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined;
  return Object.entries(raw);
}

function sure<T>(reading: Reading<T>): T {
  if (!reading.ok) throw new TypeError(`bad default in the schema: ${reading.reasons.join('; ')}`);
  return reading.value;
}
