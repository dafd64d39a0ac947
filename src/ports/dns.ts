/**
 * Look-ups in the DNS. Caching and single flight are the adapter's business.
 *
 * Contract: names are given without a trailing dot, in A-labels; answers come with the smallest TTL seen.
 * A look-up never throws for what the DNS said: `missing` (NXDOMAIN), `empty` (NOERROR, no such type),
 * `failed` (SERVFAIL, REFUSED, time-out: try again later). `secure` is true only when a trusted validating
 * resolver set AD, on every step of a chain of aliases; adapters that cannot know say false or nothing.
 */

export type DnsAnswer<T> =
  | {
      readonly ok: true;
      readonly records: readonly T[];
      readonly ttlSeconds: number;
      readonly secure: boolean;
      /** Where aliases led to, in lower case; absent: there were none. */
      readonly canonical?: string;
    }
  | {
      readonly ok: false;
      readonly reason: 'missing' | 'empty' | 'failed';
      readonly detail: string;
      /** Of a proven denial. */
      readonly secure?: boolean;
    };

export interface MxRecord {
  readonly preference: number;
  /** "" is the root: a null MX (RFC 7505). */
  readonly exchange: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** "" is the root: no such service (RFC 2782). */
  readonly target: string;
}

/** RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: Uint8Array;
}

export interface Dns {
  mx(name: string): Promise<DnsAnswer<MxRecord>>;
  a(name: string): Promise<DnsAnswer<string>>;
  aaaa(name: string): Promise<DnsAnswer<string>>;
  /** Each record with its strings joined. */
  txt(name: string): Promise<DnsAnswer<string>>;
  ptr(address: string): Promise<DnsAnswer<string>>;
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  tlsa(name: string): Promise<DnsAnswer<TlsaRecord>>;
  /** The next step of a chain of aliases, for itself: it may be proven where what it leads to is not. */
  cname(name: string): Promise<DnsAnswer<string>>;
}
