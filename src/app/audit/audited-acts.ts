/**
 * Acts of operators, accounts and keys, written into the audit log before they are done, and how they ended before they
 * are answered; where that fails then, as soon as it can be.
 *
 * Runs in:   main thread.
 * Limits:    of a list of arguments `itemsMax` are kept.
 * Invariant: an act that changes something, or shows mail, has an entry that is durable before it is begun; so a kill
 *            leaves no act without one. Where that cannot be written, `audit.failure` says whether it is done at all.
 */

import type { ControlCall, ControlHandlers, ControlMethod } from '../../actors/asks/control.ts';
import { ruleOf } from '../../actors/asks/permissions.ts';
import { type AskedBy, principalWords } from '../../actors/asks/principal.ts';
import { domainOf } from '../../base/address-parts.ts';
import { failureOf, MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import {
  type AuditDetail,
  type AuditEntry,
  AuditError,
  type AuditFacts,
} from '../../ports/audit-log.ts';
import { actWords, type Named } from './act-words.ts';
import type { AuditDesk } from './audit-desk.ts';

export interface AuditedParts {
  readonly desk: Pick<AuditDesk, 'record' | 'note'>;
  readonly directory: AccountDirectory;
  readonly tenantOfWebhook: (id: number) => TenantId | undefined;
  /** `audit.failure`: nothing is changed that cannot be recorded. */
  readonly isStrict: boolean;
}

type AnyHandler = (params: Params, call: ControlCall<unknown>) => unknown;
type Params = Readonly<Record<string, unknown>>;

/** As the table has them, whatever the act. */
interface AnyWords {
  readonly kind: 'look' | 'change' | 'mail';
  readonly on: readonly [named: Named, param?: string];
  readonly keeps?: readonly string[];
  readonly tells?: (result: unknown) => Readonly<Record<string, AuditDetail>>;
}

export const itemsMax = 8;

/** Codes that say who asks may not; anything else that goes wrong is a failure. */
const refusals = [
  ...['permission-missing', 'credentials-invalid', 'authentication-required'],
  ...['encryption-required', 'second-factor-required', 'reason-required', 'consent-required'],
];

export function auditedActs(parts: AuditedParts, handlers: ControlHandlers): ControlHandlers {
  const audited = Object.entries(handlers).map(([method, handler]) => {
    const words = wordsOf(method as ControlMethod);
    return [method, auditedAct(parts, method, words, handler as unknown as AnyHandler)];
  });
  return Object.fromEntries(audited) as ControlHandlers;
}

/** What is decided for it, or follows from the rule it stands under: then only what it is done to is kept. */
function wordsOf(method: ControlMethod): AnyWords {
  const { kind, resource, at } = ruleOf(method);
  const named = at === 'id' ? 'key' : resource;
  const on = at === undefined ? ([named] as const) : ([named, at] as const);
  return (actWords[method] as AnyWords | undefined) ?? { kind, on };
}

/** For acts that are refused before they come here: neither their arguments nor what they were aimed at is kept. */
export function noteRefusal({ desk }: Pick<AuditedParts, 'desk'>) {
  return (method: string, by: AskedBy, reason: string): void => {
    const tenant = ownTenant(by);
    desk.note({
      ...{ principal: principalWords(by.principal), ...(tenant === undefined ? {} : { tenant }) },
      ...{ act: method, resource: '', outcome: 'refused', peer: by.peer, reason, details: {} },
    });
  };
}

function auditedAct(
  parts: AuditedParts,
  method: string,
  words: AnyWords,
  handler: AnyHandler,
): AnyHandler {
  return async (params, call) => {
    const facts = await factsOf(parts, method, words, params, call.by);
    const { kind } = words;
    const more = async (result: unknown): Promise<Partial<AuditFacts>> => {
      // What was just made has a tenant now.
      const tenant = facts.tenant ?? (await tenantOf(parts, words.on, params));
      const details = { ...facts.details, ...words.tells?.(result) };
      return { ...(tenant === undefined ? {} : { tenant }), details };
    };
    return await auditedDeed(parts, { facts, kind, more }, () => handler(params, call));
  };
}

export interface Deed<R> {
  readonly facts: AuditFacts;
  readonly kind: 'look' | 'change' | 'mail';
  /** What is known once it is done. */
  readonly more: (result: R) => Partial<AuditFacts> | Promise<Partial<AuditFacts>>;
}

/** @throws MailError `store-failed` where it cannot be recorded and nothing may be done then; what `work` throws */
export async function auditedDeed<R>(
  parts: RecordParts,
  { facts, kind, more }: Deed<R>,
  work: () => R | Promise<R>,
): Promise<R> {
  const begun = kind === 'look' ? undefined : await begin(parts, facts);
  let result: R;
  try {
    result = await work();
  } catch (error) {
    const { code } = failureOf(error);
    const outcome = refusals.includes(code) ? 'refused' : 'failed';
    if (kind !== 'look' || outcome === 'refused') {
      await end(parts, { ...facts, outcome, reason: code }, begun);
    }
    throw error;
  }
  if (kind !== 'look') {
    await end(parts, { ...facts, ...(await more(result)), outcome: 'done' }, begun);
  }
  return result;
}

export type RecordParts = Pick<AuditedParts, 'desk' | 'isStrict'>;

/** Undefined: it could not be written, and is done all the same. @throws MailError `store-failed` */
async function begin(parts: RecordParts, act: AuditFacts): Promise<AuditEntry | undefined> {
  try {
    return await parts.desk.record({ ...act, outcome: 'begun' });
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    if (parts.isStrict) throw new MailError('store-failed', `not done: ${error.message}`);
    return undefined;
  }
}

/** The act is done: an error now would have it asked for again. What cannot be written waits to be. */
async function end(
  { desk }: RecordParts,
  facts: AuditFacts,
  begun: AuditEntry | undefined,
): Promise<void> {
  const whole = begun === undefined ? facts : { ...facts, of: begun.sequence };
  try {
    await desk.record(whole);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    desk.note(whole);
  }
}

async function factsOf(
  parts: AuditedParts,
  method: string,
  { on, keeps = [] }: AnyWords,
  params: Params,
  by: AskedBy,
): Promise<AuditFacts> {
  const tenant = ownTenant(by) ?? (await tenantOf(parts, on, params));
  const details = keeps.flatMap((name) => {
    const kept = keptOf(params[name]);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  const [named, param] = on;
  const value = param === undefined ? undefined : keptOf(params[param]);
  const { reason } = params;
  return {
    principal: principalWords(by.principal),
    ...(tenant === undefined ? {} : { tenant }),
    act: method,
    resource: value === undefined ? '' : `${named} ${value}`,
    outcome: 'done',
    peer: by.peer,
    reason: typeof reason === 'string' ? reason : '',
    details: Object.fromEntries(details),
  };
}

/** Who belongs to a tenant acts there alone: another one's auditors are not told of it. */
function ownTenant({ principal }: AskedBy): TenantId | undefined {
  return principal.kind === 'operator' ? undefined : principal.tenant;
}

function keptOf(value: unknown): AuditDetail | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (!Array.isArray(value)) return undefined;
  const texts = value.slice(0, itemsMax).map(String);
  return value.length > itemsMax
    ? `${texts.join(' ')} and ${value.length - itemsMax} more`
    : texts.join(' ');
}

/** Whose auditors may read it; undefined: the operator's alone, or there is no such thing. */
async function tenantOf(
  { directory, tenantOfWebhook }: AuditedParts,
  [named, param]: readonly [Named, string?],
  params: Params,
): Promise<TenantId | undefined> {
  const value = param === undefined ? undefined : params[param];
  if (named === 'webhook') return typeof value === 'number' ? tenantOfWebhook(value) : undefined;
  if (named === 'key') {
    return (await directory.apiKeys()).find(({ id }) => id === value)?.tenant;
  }
  if (typeof value !== 'string') return undefined;
  if (named === 'tenant') return (await directory.tenantByName(value))?.id;
  if (named === 'server') return undefined;
  return (await directory.domain(named === 'domain' ? value : domainOf(value)))?.tenant;
}
