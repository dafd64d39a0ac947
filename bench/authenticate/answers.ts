/**
 * A DNS that has every answer at hand after its first question, as a cache does.
 *
 * Runs in: bench.
 */

import type { Dns, DnsAnswer, MxRecord, SrvRecord, TlsaRecord } from '../../src/ports/dns.ts';
import { type Zone, ZoneDns } from '../../test/support/zone-dns.ts';

export class AnswersAtHand implements Dns {
  readonly #zone: ZoneDns;
  readonly #kept = new Map<string, Promise<DnsAnswer<unknown>>>();

  constructor(zone: Zone) {
    this.#zone = new ZoneDns(zone);
  }

  mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#answer(`MX ${name}`, () => this.#zone.mx(name));
  }

  a(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(`A ${name}`, () => this.#zone.a(name));
  }

  aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(`AAAA ${name}`, () => this.#zone.aaaa(name));
  }

  txt(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(`TXT ${name}`, () => this.#zone.txt(name));
  }

  ptr(address: string): Promise<DnsAnswer<string>> {
    return this.#answer(`PTR ${address}`, () => this.#zone.ptr(address));
  }

  srv(name: string): Promise<DnsAnswer<SrvRecord>> {
    return this.#answer(`SRV ${name}`, () => this.#zone.srv(name));
  }

  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>> {
    return this.#answer(`TLSA ${name}`, () => this.#zone.tlsa(name));
  }

  cname(name: string): Promise<DnsAnswer<string>> {
    return this.#answer(`CNAME ${name}`, () => this.#zone.cname(name));
  }

  #answer<T>(question: string, ask: () => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> {
    let answer = this.#kept.get(question);
    if (answer === undefined) {
      answer = ask();
      this.#kept.set(question, answer);
    }
    return answer as Promise<DnsAnswer<T>>;
  }
}
