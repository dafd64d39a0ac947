/**
 * Evaluates SPF where every record on the way is of a usual shape.
 *
 * Runs in:   engine threads; waits for the DNS.
 * Specs:     RFC 7208 §4 to §6; §4.6.4: `lookupsMax`, `voidsMax`, `hostsMax` of one `mx` or `ptr`.
 * Invariant: an evaluation that would end in an error, permanent or temporary, is `undefined`: the reference names it.
 */

import type { Dns, DnsAnswer } from '../../../ports/dns.ts';
import { type AddressWords, addressWords, dottedAddress, isWithin } from './networks.ts';
import { isPlainDomain } from './shapes.ts';
import { expandName, isAskable, type MacroValues, type SpfName } from './spf-macro.ts';
import { isSpfRecord, type Qualifier, readSpfRecord, type SpfTerm } from './spf-record.ts';

const lookupsMax = 10;
const voidsMax = 2;
const hostsMax = 10;
/** Domains of records have underscores; names of addresses have none here. */
const plainTarget = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/;

export interface SpfQuestion {
  /** `local@domain`, of a plain shape. */
  readonly sender: string;
  /** The sender's, in lower case. */
  readonly domain: string;
  /** Absent: of no plain shape. */
  readonly helo: string | undefined;
  readonly address: string;
}

export interface SpfVerdict {
  readonly result: Qualifier | 'none';
  /** RFC 8601 §2.7.2: whether the records asked about the local-part. */
  readonly usedLocalPart: boolean;
}

export async function checkSpf(question: SpfQuestion, dns: Dns): Promise<SpfVerdict | undefined> {
  const address = addressWords(question.address);
  if (address === undefined) return undefined;
  const evaluation = new Evaluation(question, address, dns);
  const result = await evaluation.evaluate(question.domain, true);
  if (result === undefined || evaluation.isOdd) return undefined;
  return { result, usedLocalPart: evaluation.usedLocalPart };
}

class Evaluation {
  usedLocalPart = false;
  /** Whether a record asks for what is not known here. */
  isOdd = false;
  readonly #address: AddressWords;
  readonly #addressText: string;
  readonly #isV6: boolean;
  readonly #values: MacroValues;
  readonly #dns: Dns;
  #lookups = 0;
  #voids = 0;

  constructor(question: SpfQuestion, address: AddressWords, dns: Dns) {
    this.#address = address;
    this.#addressText = question.address;
    this.#isV6 = address.length > 1;
    this.#dns = dns;
    const { sender, helo } = question;
    this.#values = { sender, helo, dottedAddress: dottedAddress(address), isV6: this.#isV6 };
  }

  async evaluate(domain: string, isFirst: boolean): Promise<Qualifier | 'none' | undefined> {
    if (!isFirst && !this.#mayAsk()) return undefined;
    const texts = this.#counted(await this.#dns.txt(domain));
    const records = texts?.filter(isSpfRecord);
    if (records === undefined || records.length > 1) return undefined;
    const [text] = records;
    if (text === undefined) return 'none';
    const record = readSpfRecord(text);
    if (record === undefined) return undefined;
    for (const term of record.terms) {
      const isMatch = await this.#matches(term, domain);
      if (isMatch === undefined) return undefined;
      if (isMatch) return term.qualifier;
    }
    if (record.redirect === undefined) return '?';
    const target = this.#expand(record.redirect, domain);
    if (target === undefined) return undefined;
    const result = await this.evaluate(target, false);
    // RFC 7208 §6.1: a target without a record is an error.
    return result === 'none' ? undefined : result;
  }

  async #matches(term: SpfTerm, domain: string): Promise<boolean | undefined> {
    switch (term.kind) {
      case 'all':
        return true;
      case 'ip':
        return isWithin(this.#address, term.network, term.bits);
      case 'include': {
        const target = this.#expand(term.name, domain);
        if (target === undefined) return undefined;
        const result = await this.evaluate(target, false);
        return result === undefined || result === 'none' ? undefined : result === '+';
      }
      case 'exists': {
        const target = this.#expand(term.name, domain);
        if (target === undefined) return false;
        if (!this.#mayAsk()) return undefined;
        const found = this.#counted(await this.#dns.a(target));
        return found && found.length > 0;
      }
      case 'ptr':
        return await this.#matchesNames(term.name, domain);
      default:
        return await this.#matchesHosts(term, domain);
    }
  }

  /** RFC 7208 §5.5: whether the address has a name at or below the target that leads back to it. */
  async #matchesNames(given: SpfName | undefined, domain: string): Promise<boolean | undefined> {
    const expanded = given === undefined ? domain : this.#expand(given, domain);
    if (expanded === undefined) return false;
    const target = expanded.toLowerCase();
    if (!this.#mayAsk() || !plainTarget.test(target)) return undefined;
    const names = this.#counted(await this.#dns.ptr(this.#addressText));
    if (names === undefined) return undefined;
    for (const written of names.slice(0, hostsMax)) {
      const name = written.toLowerCase();
      if (!isPlainDomain(name)) return undefined;
      if (name !== target && !name.endsWith(`.${target}`)) continue;
      const isMatch = this.#isAmong(found(await this.#addresses(name)), this.#isV6 ? 128 : 32);
      if (isMatch !== false) return isMatch;
    }
    return false;
  }

  async #matchesHosts(
    { kind, name, bits4, bits6 }: Extract<SpfTerm, { kind: 'a' | 'mx' }>,
    domain: string,
  ): Promise<boolean | undefined> {
    const target = name === undefined ? domain : this.#expand(name, domain);
    if (target === undefined || !isAskable(target)) return false;
    if (!this.#mayAsk()) return undefined;
    const bits = this.#isV6 ? bits6 : bits4;
    if (kind === 'a') return this.#isAmong(this.#counted(await this.#addresses(target)), bits);
    const servers = this.#counted(await this.#dns.mx(target));
    if (servers === undefined) return undefined;
    let count = 0;
    for (const { exchange } of servers.toSorted((a, b) => a.preference - b.preference)) {
      const host = exchange.endsWith('.') ? exchange.slice(0, -1) : exchange;
      if (host === '') continue;
      if (++count > hostsMax || !isAskable(host)) return undefined;
      const isMatch = this.#isAmong(found(await this.#addresses(host)), bits);
      if (isMatch !== false) return isMatch;
    }
    return false;
  }

  #addresses(name: string): Promise<DnsAnswer<string>> {
    return this.#isV6 ? this.#dns.aaaa(name) : this.#dns.a(name);
  }

  #isAmong(addresses: readonly string[] | undefined, bits: number): boolean | undefined {
    for (const address of addresses ?? []) {
      const words = addressWords(address);
      if (words === undefined) return undefined;
      if (isWithin(this.#address, words, bits)) return true;
    }
    return addresses === undefined ? undefined : false;
  }

  #expand(name: SpfName, domain: string): string | undefined {
    this.usedLocalPart ||= name.usesLocalPart;
    this.isOdd ||= name.usesHelo && this.#values.helo === undefined;
    return expandName(name, this.#values, domain);
  }

  #mayAsk(): boolean {
    return ++this.#lookups <= lookupsMax;
  }

  /** Records, none, or undefined for an answer that ends the evaluation. */
  #counted<T>(answer: DnsAnswer<T>): readonly T[] | undefined {
    const records = found(answer);
    if (records?.length === 0 && !answer.ok && ++this.#voids > voidsMax) return undefined;
    return records;
  }
}

function found<T>(answer: DnsAnswer<T>): readonly T[] | undefined {
  if (answer.ok) return answer.records;
  return answer.reason === 'failed' ? undefined : [];
}
