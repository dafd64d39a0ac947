/**
 * Runs an act for whoever asks: decided first by the rule it stands under, then done within the walls of their tenant.
 *
 * Runs in:   main thread.
 * Limits:    handlers are kept for `tenantsHeldMax` tenants.
 * Invariant: what is another tenant's and what is nobody's get one answer, from one place: nothing else was asked.
 */

import type { ControlHandlers, ControlMethod } from '../../actors/asks/control.ts';
import { ruleOf } from '../../actors/asks/permissions.ts';
import type { AskedBy, Principal } from '../../actors/asks/principal.ts';
import { type ErrorCode, failureOf, MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { authorityOf, givenBy, resourceOf } from '../../edge/guard/acts-asked.ts';
import { type Decision, mayDo } from '../../edge/guard/authority.ts';
import { walledDirectory } from '../../edge/guard/walled-directory.ts';
import type { DoAct } from '../../edge/protocols/http/admin/routes.ts';
import type { AccountDirectory } from '../../ports/account-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Identity } from '../../ports/identity.ts';
import type { AnyHandler } from './checked-acts.ts';

const tenantsHeldMax = 100;

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
  const walled = new RecentMap<TenantId, ControlHandlers>(tenantsHeldMax);
  const handlersFor = (principal: Principal): ControlHandlers => {
    if (principal.kind === 'operator') return open;
    const { tenant } = principal;
    const known = walled.get(tenant);
    if (known !== undefined) return known;
    const made = handlersOver(walledDirectory(identity.directory, tenant));
    walled.set(tenant, made);
    return made;
  };
  return async (method, params, call) => {
    const { principal } = call.by;
    try {
      await decide(parts, principal, method, params as Readonly<Record<string, unknown>>);
    } catch (error) {
      parts.refused(method, call.by, failureOf(error).code);
      throw error;
    }
    const handler = handlersFor(principal)[method] as AnyHandler | undefined;
    if (handler === undefined) throw new MailError('not-possible-now', method);
    return await handler(params, call);
  };
}

/** @throws MailError where it is not allowed */
async function decide(
  { identity, clock }: GuardParts,
  principal: Principal,
  method: ControlMethod,
  asked: Readonly<Record<string, unknown>>,
): Promise<void> {
  const nowMs = clock.nowMs();
  const authority = await authorityOf(identity, principal, nowMs);
  if (authority === undefined) throw new MailError('credentials-invalid', 'no such session');
  if (authority.kind === 'operator') return;
  const rule = ruleOf(method);
  const resource = await resourceOf(identity, rule, asked, principal, nowMs);
  const { tenant } = authority;
  const given = rule.gives === undefined ? undefined : await givenBy(identity, rule, asked, tenant);
  const decision = mayDo(authority, rule, resource, given);
  if (decision === 'allowed') return;
  const what = rule.at === undefined ? method : String(asked[rule.at]);
  throw new MailError(codes[decision], decision === 'not-there' ? what : rule.permission);
}
