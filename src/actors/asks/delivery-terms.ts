/**
 * What a sender asks of the delivery beyond the envelope, and its packed form.
 *
 * Runs in:   both sides; plain data.
 * Specs:     RFC 6710 (priority), RFC 4865 (hold), RFC 2852 (deliver by), RFC 8689 (REQUIRETLS).
 * Invariant: terms stand by place in records that outlive this build: new ones are added at the end only.
 */

export interface DeliverBy {
  /** Epoch milliseconds. */
  readonly byMs: number;
  /** Too late: `return` gives the message back, `notify` tells the sender and goes on. */
  readonly mode: 'return' | 'notify';
  /** Each relay tells the sender of itself. */
  readonly isTraced: boolean;
}

export interface DeliveryTerms {
  /** From -9 to 9; absent: 0. */
  readonly priority?: number;
  /** Epoch milliseconds before which no delivery is tried. */
  readonly holdUntilMs?: number;
  readonly deliverBy?: DeliverBy;
  /** Over verified TLS all the way, or back to the sender. */
  readonly requireTls?: boolean;
  /** `TLS-Required: No`: in clear rather than not at all. */
  readonly isTlsOptional?: boolean;
  /** What it is part of: at most 64 characters of printable ASCII, without spaces. */
  readonly campaign?: string;
  /** Name of the pool of sources it asked to leave by, and may. */
  readonly pool?: string;
  /** An operator gave it that pool, whoever may ask for it. */
  readonly isPoolBound?: boolean;
  /** The return path it leaves with, in place of its sender, whom we tell ourselves; absent: the sender. */
  readonly returnPath?: string;
  /** Each recipient's copy leaves with a return path of its own, by which bounces find it. */
  readonly isTracked?: boolean;
  /** A stranger's mail that an alias leads out: lists of the alias' tenant are about what that tenant sends itself. */
  readonly isForwarded?: boolean;
}

/** What it is part of from now on, and the pool it leaves by; "": none. Absent: as it was. */
export interface Rebinding {
  readonly campaign?: string;
  readonly pool?: string;
}

export function reboundTerms(
  terms: DeliveryTerms | undefined,
  { campaign = terms?.campaign ?? '', pool }: Rebinding,
): DeliveryTerms | undefined {
  if (pool !== undefined) return boundTerms(terms, { campaign, pool, isPoolBound: pool !== '' });
  const { pool: before = '', isPoolBound = false } = terms ?? {};
  return boundTerms(terms, { campaign, pool: before, isPoolBound });
}

/** With this campaign and this pool in place of its own; "": none. */
export function boundTerms(
  terms: DeliveryTerms | undefined,
  bound: { readonly campaign: string; readonly pool: string; readonly isPoolBound: boolean },
): DeliveryTerms | undefined {
  const { campaign: _campaign, pool: _pool, isPoolBound: _bound, ...rest } = terms ?? {};
  const { campaign, pool, isPoolBound } = bound;
  const changed: DeliveryTerms = {
    ...rest,
    ...(campaign === '' ? {} : { campaign }),
    ...(pool === '' ? {} : { pool }),
    ...(isPoolBound ? { isPoolBound } : {}),
  };
  return Object.keys(changed).length === 0 ? undefined : changed;
}

/** What a campaign may be called. */
export function isCampaignName(name: string): boolean {
  return /^[!-~]{1,64}$/.test(name);
}

/** What a pool may be called: anything else nobody can have asked for. */
export function isPoolName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(name);
}

/** priority, holdUntilMs (0: none), byMs (0: none), by-mode bits, TLS bits, campaign, pool, return path ("": none). */
export type PackedTerms = readonly [
  ...[priority: number, holdUntilMs: number, byMs: number, by: number, tls: number],
  campaign: string,
  pool?: string,
  returnPath?: string,
];

const modeReturn = 1;
const byTraced = 2;
const tlsRequired = 1;
const tlsOptional = 2;
/** These are no matter of TLS, but there was room. */
const tracked = 4;
const poolBound = 8;
const forwarded = 16;

export function packTerms(terms: DeliveryTerms): PackedTerms {
  const { priority = 0, holdUntilMs = 0, deliverBy, campaign = '', returnPath } = terms;
  const mode = deliverBy?.mode === 'return' ? modeReturn : 0;
  const tls =
    (terms.requireTls ? tlsRequired : 0) |
    (terms.isTlsOptional ? tlsOptional : 0) |
    (terms.isTracked ? tracked : 0) |
    (terms.isPoolBound ? poolBound : 0) |
    (terms.isForwarded ? forwarded : 0);
  const by = mode | (deliverBy?.isTraced ? byTraced : 0);
  const packed = [priority, holdUntilMs, deliverBy?.byMs ?? 0, by, tls, campaign] as const;
  if (returnPath !== undefined) return [...packed, terms.pool ?? '', returnPath];
  return terms.pool === undefined ? packed : [...packed, terms.pool];
}

export function unpackTerms(packed: PackedTerms): DeliveryTerms {
  const [priority, holdUntilMs, byMs, by, tls, campaign, pool = '', returnPath = ''] = packed;
  const mode = (by & modeReturn) !== 0 ? 'return' : 'notify';
  return {
    ...(priority === 0 ? {} : { priority }),
    ...(holdUntilMs === 0 ? {} : { holdUntilMs }),
    ...(byMs === 0 ? {} : { deliverBy: { byMs, mode, isTraced: (by & byTraced) !== 0 } as const }),
    ...((tls & tlsRequired) === 0 ? {} : { requireTls: true }),
    ...((tls & tlsOptional) === 0 ? {} : { isTlsOptional: true }),
    ...((tls & tracked) === 0 ? {} : { isTracked: true }),
    ...((tls & poolBound) === 0 ? {} : { isPoolBound: true }),
    ...((tls & forwarded) === 0 ? {} : { isForwarded: true }),
    ...(campaign === '' ? {} : { campaign }),
    ...(pool === '' ? {} : { pool }),
    ...(returnPath === '' ? {} : { returnPath }),
  };
}
