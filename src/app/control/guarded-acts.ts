/**
 * Runs an act for whoever asks: decided first by the rule it stands under, then done within the walls of their tenant.
 *
 * Runs in:   main thread.
 * Limits:    handlers are kept for `tenantsHeldMax` tenants, or sets of domains of one.
 *            An act is decided `decisionsMax` times.
 * Invariant: what is another tenant's and what is nobody's get one answer, from one place: nothing else was asked. What gives
 *            power or takes it is written only while all that its decision saw holds.
 */

import type { ControlHandlers, ControlMethod } from '../../actors/asks/control.ts';
import { type ActRule, ruleOf } from '../../actors/asks/permissions.ts';
import type { AskedBy, Principal } from '../../actors/asks/principal.ts';
import { type ErrorCode, failureOf, MailError } from '../../base/errors.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { authorityOf, domainsNamed, givenBy, resourceOf } from '../../edge/guard/acts-asked.ts';
import { type Authority, type Decision, domainsWith, mayDo } from '../../edge/guard/authority.ts';
import { Evidence, RightsMoved } from '../../edge/guard/evidence.ts';
import { narrowedDirectory } from '../../edge/guard/narrowed-directory.ts';
import { walledDirectory } from '../../edge/guard/walled-directory.ts';
import type { DoAct } from '../../edge/protocols/http/admin/routes.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import type { AnyHandler } from './checked-acts.ts';

const tenantsHeldMax = 100;
/** An act whose write found other rights than it was decided by is decided so often. */
const decisionsMax = 8;

const codes: Readonly<Record<Exclude<Decision, 'allowed'>, ErrorCode>> = {
  refused: 'permission-missing',
  'not-there': 'not-found',
  'needs-second-factor': 'second-factor-required',
  'needs-reason': 'reason-required',
  'needs-consent': 'consent-required',
};

export interface GuardParts {
  readonly identity: Identity;
  readonly clock: Clock;
  /** Told of who may not do what they asked for. */
  readonly refused: (method: ControlMethod, by: AskedBy, code: ErrorCode) => void;
}

/** `handlersOver`: all acts, over the directory they are to see. */
export function guardedActs(
  parts: GuardParts,
  handlersOver: (directory: AccountDirectory) => ControlHandlers,
): DoAct {
  const { identity } = parts;
  const open = handlersOver(identity.directory);
  const walled = new RecentMap<string, ControlHandlers>(tenantsHeldMax);
  const handlersFor = (principal: Principal, domains: readonly string[]): ControlHandlers => {
    if (principal.kind === 'operator') return open;
    const { tenant } = principal;
    const name = [tenant, ...domains].join(' ');
    const known = walled.get(name);
    if (known !== undefined) return known;
    const whole = walledDirectory(identity.directory, tenant);
    const made = handlersOver(domains.length === 0 ? whole : narrowedDirectory(whole, domains));
    walled.set(name, made);
    return made;
  };
  const once: DoAct = async (method, params, call) => {
    const { principal } = call.by;
    const evidence = new Evidence(identity);
    let domains: readonly string[];
    try {
      const asked = params as Readonly<Record<string, unknown>>;
      domains = await decide({ ...parts, identity: evidence.identity }, principal, method, asked);
    } catch (error) {
      parts.refused(method, call.by, failureOf(error).code);
      throw error;
    }
    const handler = handlersFor(principal, domains)[method] as AnyHandler | undefined;
    if (handler === undefined) throw new MailError('not-possible-now', method);
    const { mustHold } = evidence;
    return await handler(params, principal.kind === 'operator' ? call : { ...call, mustHold });
  };
  return async (method, params, call) => {
    for (let times = 1; times <= decisionsMax; times++) {
      try {
        return await once(method, params, call);
      } catch (error) {
        if (!(error instanceof RightsMoved)) throw error;
      }
    }
    throw new MailError('store-busy', 'rights change without a pause, try again later');
  };
}

/** The domains it is narrowed to; none: it is not. @throws MailError where it is not allowed */
async function decide(
  { identity, clock }: GuardParts,
  principal: Principal,
  method: ControlMethod,
  asked: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const nowMs = clock.nowMs();
  const authority = await authorityOf(identity, principal, nowMs);
  if (authority === undefined) throw new MailError('credentials-invalid', 'no such session');
  if (authority.kind === 'operator') return [];
  const rule = ruleOf(method);
  const resource = await resourceOf(identity, rule, asked, principal, nowMs);
  const { tenant } = authority;
  const given = rule.gives === undefined ? undefined : await givenBy(identity, rule, asked, tenant);
  const decision = mayDo(authority, rule, resource, given);
  if (decision === 'allowed') {
    await decideNamed(identity, authority, rule, asked);
    return [];
  }
  if (decision === 'refused' && rule.narrows === true && resource?.kind === 'tenant') {
    const domains = domainsWith(authority, rule.permission);
    if (domains.length > 0) return domains;
  }
  const what = rule.at === undefined ? method : String(asked[rule.at]);
  throw new MailError(codes[decision], decision === 'not-there' ? what : rule.permission);
}

/** @throws MailError `permission-missing` where it names a domain that the asker has no say in */
async function decideNamed(
  identity: Identity,
  authority: Exclude<Authority, { readonly kind: 'operator' }>,
  rule: ActRule,
  asked: Readonly<Record<string, unknown>>,
): Promise<void> {
  // Of the permission alone: whether it is sensitive was decided by the act itself.
  const { permission, kind } = rule;
  for (const domain of await domainsNamed(identity, rule, asked, authority.tenant)) {
    const decision = mayDo(authority, { permission, resource: 'domain', kind }, domain);
    if (decision !== 'allowed') throw new MailError(codes[decision], permission);
  }
}
