/**
 * Which pool a message goes by, and in which order its sources are asked to take it.
 *
 * Runs in:   engine threads; pure.
 * Limits:    as many pools, members and rules as settings may have (`rowsMax`).
 * Invariant: the order is a function of the message's id and the pool alone: a message that greylisting sent away comes
 *            again from the same source, on any thread and after a restart, and a source that comes or goes moves no
 *            message but its own (weighted rendezvous hashing).
 */

import type { TenantId } from '../../../base/ids.ts';
import type { PoolRule } from '../../../settings/egress.ts';
import type { Settings } from '../../../settings/schema.ts';
import type { ExpectedMessage } from '../message.ts';
import type { Source } from './source.ts';

export interface PoolMember {
  readonly source: Source;
  readonly weight: number;
  readonly salt: number;
}

export interface Pool {
  readonly name: string;
  readonly members: readonly PoolMember[];
  /** Whose mail may ask for it. */
  readonly tenants: readonly string[];
}

/** Numbers of tenants by name, as far as they are known. */
export type TenantIds = Readonly<Record<string, TenantId>>;

/** The pool of all sources, where none is set. */
const allName = 'all';

export class Pools {
  readonly #pools = new Map<string, Pool>();
  readonly #rules: readonly PoolRule[];
  readonly #usual: Pool;
  readonly #hasDomainRules: boolean;
  #tenants: TenantIds = {};

  constructor(
    relay: Pick<Settings['relay'], 'pools' | 'pool' | 'poolRules'>,
    sources: readonly Source[],
  ) {
    const byName = new Map(sources.map((source) => [source.name, source]));
    for (const { name, sources: members, tenants } of relay.pools) {
      const found = members.map(({ source, weight }) => memberOf(byName.get(source)!, weight));
      this.#pools.set(name, { name, members: found, tenants });
    }
    this.#rules = relay.poolRules;
    this.#hasDomainRules = relay.poolRules.some(({ domain }) => domain !== '');
    const all = {
      name: allName,
      tenants: [],
      members: sources.map((source) => memberOf(source, 1)),
    };
    this.#usual = this.#pools.get(relay.pool) ?? all;
  }

  know(tenants: TenantIds): void {
    this.#tenants = tenants;
  }

  /** Of mail for one domain, in lower case. */
  of({ tenant, terms }: ExpectedMessage, domain: string): Pool {
    const asked = terms?.pool === undefined ? undefined : this.#pools.get(terms.pool);
    if (asked !== undefined && terms?.isPoolBound === true) return asked;
    if (asked?.tenants.some((name) => this.#tenants[name] === tenant) === true) return asked;
    const campaign = terms?.campaign ?? '';
    for (const rule of this.#rules) {
      if (rule.tenant !== '' && this.#tenants[rule.tenant] !== tenant) continue;
      if (rule.campaign !== '' && rule.campaign !== campaign) continue;
      if (rule.domain !== '' && !isWithin(domain, rule.domain)) continue;
      return this.#pools.get(rule.pool)!;
    }
    return this.#usual;
  }

  /** Equal for domains that no rule treats differently. */
  groupOf(domain: string): string {
    if (!this.#hasDomainRules) return '';
    const fits = this.#rules.map((rule) => rule.domain !== '' && isWithin(domain, rule.domain));
    return fits.map((fit) => (fit ? '1' : '0')).join('');
  }
}

function memberOf(source: Source, weight: number): PoolMember {
  return { source, weight, salt: hashOf(source.name) };
}

function isWithin(domain: string, rule: string): boolean {
  return rule.startsWith('.') ? domain.endsWith(rule) : domain === rule;
}

/** FNV-1a. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return hash >>> 0;
}

/**
 * How far a member is from a message: the nearest one takes it. Of many messages, each member is the nearest to its
 * weight's share.
 */
export function distance(messageHash: number, { salt, weight }: PoolMember): number {
  const unit = (mixed(messageHash ^ salt) + 0.5) / 2 ** 32;
  return -Math.log(unit) / weight;
}

/** Every bit of the result hangs on every bit given (the finish of MurmurHash3). */
function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
