/**
 * What an entry of the audit log looks like as a line, and the hash that chains it to the one before.
 *
 * Runs in:   anywhere; pure.
 * Specs:     FIPS 180-4 (SHA-256). A hash is of a domain's name, a NUL, and the line without its last field.
 * Limits:    texts of `textLengthMax`, `detailsMax` details; what is longer is cut, and ends with an ellipsis.
 * Invariant: one entry has one line: fields stand in one order, details by their names, and what says nothing is left
 *            out. So whoever has the entry can write the line that was hashed.
 */

import { createHash } from 'node:crypto';
import { type TenantId, tenantId } from '../../base/ids.ts';
import {
  type AuditDetail,
  type AuditEntry,
  type AuditFacts,
  type AuditRange,
  auditOutcomes,
} from '../../ports/audit-log.ts';

export const textLengthMax = 500;
export const detailsMax = 24;
const nameLengthMax = 40;
const sequenceMax = Number.MAX_SAFE_INTEGER;
const hashForm = /^[0-9a-f]{64}$/;
const hashField = ',"hash":"';

/** Domains: no hash of one kind of thing can be passed off as one of another. */
function hashOf(domain: 'genesis' | 'entry', text: string): string {
  return createHash('sha256').update(`chaski-audit-${domain}-v1\0${text}`).digest('hex');
}

/** What the first entry of a log has as `previous`. */
export const genesisOf = (id: string): string => hashOf('genesis', id);

export interface ChainPlace {
  readonly sequence: number;
  readonly atMs: number;
  readonly previous: string;
}

/** The entry as it is kept: its texts within their limits, its hash made. */
export function chained(facts: AuditFacts, place: ChainPlace): { entry: AuditEntry; line: string } {
  const bounded: Omit<AuditEntry, 'hash'> = {
    ...place,
    principal: cut(facts.principal),
    ...(facts.tenant === undefined ? {} : { tenant: facts.tenant }),
    act: cut(facts.act),
    resource: cut(facts.resource),
    outcome: facts.outcome,
    peer: cut(facts.peer),
    reason: cut(facts.reason),
    ...(facts.of === undefined ? {} : { of: facts.of }),
    details: boundedDetails(facts.details),
  };
  const text = textOf(bounded);
  const hash = hashOf('entry', text);
  return { entry: { ...bounded, hash }, line: lineWith(text, hash) };
}

export function lineOf({ hash, ...rest }: AuditEntry): string {
  return lineWith(textOf(rest), hash);
}

/** The entry a line holds; undefined where it holds none. Its hash is not looked at. */
export function readLine(line: string): AuditEntry | undefined {
  try {
    return entryOf(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The line is the one its entry is written as, and its hash is right. */
export function isSound(line: string, { hash, ...rest }: AuditEntry): boolean {
  const text = textOf(rest);
  return hashOf('entry', text) === hash && lineWith(text, hash) === line;
}

export function isInRange(entry: AuditEntry, range: AuditRange): boolean {
  const { afterSequence = 0, afterMs, untilMs, tenant } = range;
  return (
    entry.sequence > afterSequence &&
    (afterMs === undefined || entry.atMs >= afterMs) &&
    (untilMs === undefined || entry.atMs < untilMs) &&
    (tenant === undefined || entry.tenant === tenant)
  );
}

/** An entry as its line has it. */
export interface EntryFields {
  readonly seq: number;
  readonly at: string;
  readonly act: string;
  readonly outcome: string;
  readonly principal: string;
  readonly tenant?: number;
  readonly resource?: string;
  readonly peer?: string;
  readonly reason?: string;
  readonly of?: number;
  readonly details?: Record<string, AuditDetail>;
  readonly previous: string;
  readonly hash: string;
}

export function fieldsOf({ hash, ...rest }: AuditEntry): EntryFields {
  return { ...unhashed(rest), hash };
}

function textOf(entry: Omit<AuditEntry, 'hash'>): string {
  return JSON.stringify(unhashed(entry));
}

/** In the order they are hashed in. */
function unhashed(entry: Omit<AuditEntry, 'hash'>): Omit<EntryFields, 'hash'> {
  const { details } = entry;
  const names = Object.keys(details).sort();
  return {
    seq: entry.sequence,
    at: new Date(entry.atMs).toISOString(),
    act: entry.act,
    outcome: entry.outcome,
    principal: entry.principal,
    ...(entry.tenant === undefined ? {} : { tenant: entry.tenant }),
    ...textField('resource', entry.resource),
    ...textField('peer', entry.peer),
    ...textField('reason', entry.reason),
    ...(entry.of === undefined ? {} : { of: entry.of }),
    ...(names.length === 0
      ? {}
      : { details: Object.fromEntries(names.map((name) => [name, details[name]!])) }),
    previous: entry.previous,
  };
}

function textField(name: string, text: string): Record<string, string> {
  return text === '' ? {} : { [name]: text };
}

function lineWith(text: string, hash: string): string {
  return `${text.slice(0, -1)}${hashField}${hash}"}`;
}

/** Undefined: these are no fields of an entry. */
export function entryOf(value: unknown): AuditEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const { seq, at, act, outcome, principal, tenant, of, details = {}, previous, hash } = fields;
  const { resource = '', peer = '', reason = '' } = fields;
  const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  const isWhole =
    isSequence(seq) &&
    !Number.isNaN(atMs) &&
    [act, principal, resource, peer, reason].every((text) => typeof text === 'string') &&
    (auditOutcomes as readonly unknown[]).includes(outcome) &&
    [previous, hash].every((text) => typeof text === 'string' && hashForm.test(text)) &&
    (tenant === undefined || isTenant(tenant)) &&
    (of === undefined || isSequence(of)) &&
    areDetails(details);
  if (!isWhole) return undefined;
  return {
    sequence: seq,
    atMs,
    act: act as string,
    outcome: outcome as AuditEntry['outcome'],
    principal: principal as string,
    ...(tenant === undefined ? {} : { tenant: tenantId(tenant as number) }),
    resource: resource as string,
    peer: peer as string,
    reason: reason as string,
    ...(of === undefined ? {} : { of: of as number }),
    details: details as AuditEntry['details'],
    previous: previous as string,
    hash: hash as string,
  };
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) < sequenceMax;
}

function isTenant(value: unknown): value is TenantId {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

function areDetails(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) =>
    ['string', 'number', 'boolean'].includes(typeof each),
  );
}

function boundedDetails(details: AuditFacts['details']): AuditFacts['details'] {
  const pairs = Object.entries(details).slice(0, detailsMax);
  return Object.fromEntries(
    pairs.map(([name, value]) => [
      cut(name, nameLengthMax),
      typeof value === 'string' ? cut(value) : value,
    ]),
  );
}

/** Well-formed, so that what is hashed is what is written. */
function cut(text: string, lengthMax = textLengthMax): string {
  const whole = text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
  return whole.toWellFormed();
}
