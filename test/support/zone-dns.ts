/**
 * A DNS of names and records given by a test.
 *
 * Runs in: tests.
 */

import type { Dns, DnsAnswer, MxRecord, SrvRecord, TlsaRecord } from '../../src/ports/dns.ts';

/** One record as `{ TXT: 'text' }` or `{ MX: [10, 'host'] }`, or `TIMEOUT` for look-ups of every other type. */
export type ZoneRecord = 'TIMEOUT' | Readonly<Record<string, unknown>>;
/** Names in lower case without a trailing dot. */
export type Zone = Readonly<Record<string, readonly ZoneRecord[]>>;

export class ZoneDns implements Dns {
  readonly asked: string[] = [];
  readonly #zone = new Map<string, readonly ZoneRecord[]>();

  constructor(zone: Zone) {
    for (const [name, records] of Object.entries(zone)) {
      this.#zone.set(name.toLowerCase().replace(/\.$/, ''), records);
    }
  }

  async mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#answer(name, 'MX', (value) => {
      const [preference, exchange] = value as [unknown, string];
      return { preference: Number(preference), exchange };
    });
  }

  async a(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'A', String);
  }

  async aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'AAAA', String);
  }

  async txt(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'TXT', (value) =>
      Array.isArray(value) ? value.join('') : String(value),
    );
  }

  async ptr(address: string): Promise<DnsAnswer<string>> {
    return this.#answer(reverseName(address), 'PTR', String);
  }

  async srv(name: string): Promise<DnsAnswer<SrvRecord>> {
    return this.#answer(name, 'SRV', (value) => {
      const [priority, weight, port, target] = value as [number, number, number, string];
      return { priority, weight, port, target };
    });
  }

  async tlsa(name: string): Promise<DnsAnswer<TlsaRecord>> {
    return this.#answer(name, 'TLSA', (value) => value as TlsaRecord);
  }

  async cname(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'CNAME', String);
  }

  #answer<T>(name: string, type: string, read: (value: unknown) => T, hops = 0): DnsAnswer<T> {
    this.asked.push(`${type} ${name}`);
    const records = this.#zone.get(name.toLowerCase());
    if (records === undefined) return { ok: false, reason: 'missing', detail: name };
    const found: T[] = [];
    for (const record of records) {
      if (record === 'TIMEOUT') {
        if (found.length === 0) return { ok: false, reason: 'failed', detail: 'time-out' };
        continue;
      }
      if ('CNAME' in record && type !== 'CNAME' && hops < 8) {
        return this.#answer(String(record.CNAME), type, read, hops + 1);
      }
      if (!(type in record)) continue;
      if (record[type] === 'TIMEOUT') return { ok: false, reason: 'failed', detail: 'time-out' };
      if (record[type] !== 'NONE') found.push(read(record[type]));
    }
    if (found.length === 0) return { ok: false, reason: 'empty', detail: name };
    return { ok: true, records: found, ttlSeconds: 60, secure: false };
  }
}

/** The name that reverse look-ups of an address ask for. */
function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...new Array(8 - left.length - right.length).fill('0'), ...right];
  const digits = groups.map((group) => group.padStart(4, '0')).join('');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}
