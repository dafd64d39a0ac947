/**
 * A DNS that says what a zone file says, and of all else that it is not there.
 *
 * Runs in:   anywhere; the CLI's process as a rule.
 * Limits:    chains of at most `aliasesMax` aliases.
 */

import type { Dns, DnsAnswer, MxRecord, SrvRecord, TlsaRecord } from '../../ports/dns.ts';
import { reverseName } from '../node/dns-names.ts';
import { parseZone, type ZoneRecord, type ZoneType } from './parse.ts';

export { ZoneFault } from './parse.ts';

const aliasesMax = 8;

export class ZoneFileDns implements Dns {
  readonly #records = new Map<string, ZoneRecord[]>();

  /** @throws ZoneFault */
  constructor(text: string) {
    for (const record of parseZone(text)) {
      const known = this.#records.get(record.name);
      if (known === undefined) this.#records.set(record.name, [record]);
      else known.push(record);
    }
  }

  async mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#answer(name, 'MX', ([preference, exchange]) => ({
      preference: Number(preference),
      exchange: exchange!,
    }));
  }

  async a(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'A', ([address]) => address!);
  }

  async aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'AAAA', ([address]) => address!);
  }

  async txt(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'TXT', ([text]) => text!);
  }

  async ptr(address: string): Promise<DnsAnswer<string>> {
    return this.#answer(reverseName(address) ?? address, 'PTR', ([name]) => name!);
  }

  async srv(name: string): Promise<DnsAnswer<SrvRecord>> {
    return this.#answer(name, 'SRV', ([priority, weight, port, target]) => ({
      ...{ priority: Number(priority), weight: Number(weight), port: Number(port) },
      target: target!,
    }));
  }

  /** Zone files here have none. */
  async tlsa(name: string): Promise<DnsAnswer<TlsaRecord>> {
    return { ok: false, reason: 'empty', detail: name };
  }

  async cname(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(name, 'CNAME', ([target]) => target!);
  }

  #answer<T>(
    name: string,
    type: ZoneType,
    read: (values: readonly string[]) => T,
    aliases = 0,
  ): DnsAnswer<T> {
    const records = this.#records.get(name.toLowerCase());
    if (records === undefined) return { ok: false, reason: 'missing', detail: name };
    const alias = records.find((record) => record.type === 'CNAME');
    if (alias !== undefined && type !== 'CNAME') {
      if (aliases === aliasesMax)
        return { ok: false, reason: 'failed', detail: 'aliases without an end' };
      return this.#answer(alias.values[0]!, type, read, aliases + 1);
    }
    const found = records.filter((record) => record.type === type);
    if (found.length === 0) return { ok: false, reason: 'empty', detail: name };
    return {
      ok: true,
      records: found.map(({ values }) => read(values)),
      ttlSeconds: Math.min(...found.map(({ ttlSeconds }) => ttlSeconds)),
      secure: false,
    };
  }
}
