/**
 * Hold rules of operators: what a tenant, a campaign, a sender or a domain has waiting and what is still to come.
 *
 * Runs in:   main thread.
 * Invariant: a rule is on disk and known to every thread when it is answered.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { isOperator } from '../../actors/asks/principal.ts';
import type { SuspendParams } from '../../actors/asks/suspension-control.ts';
import { MailError } from '../../base/errors.ts';
import type { HoldFilter, HoldRule } from '../../ports/hold-rule.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function suspensionHandlers(parts: ControlParts): ControlHandlers {
  const { directory, clock } = parts;
  return {
    'queue.suspend': async ({ untilMs, note, ...wanted }, { by }) => {
      const nowMs = clock.nowMs();
      if (untilMs !== 0 && !(Number.isSafeInteger(untilMs) && untilMs > nowMs)) {
        throw new MailError('argument-invalid', 'a suspension ends in the future, or never');
      }
      // What ended by itself makes room.
      for (const { id, untilMs: endMs, isByTenant } of await directory.holdRules()) {
        const mayEnd = isOperator(by) || isByTenant === true;
        if (endMs > 0 && endMs <= nowMs && mayEnd) await directory.deleteHoldRule(id);
      }
      const filter = await filterOf(parts, wanted);
      const rule = await directory.createHoldRule({ filter, createdMs: nowMs, untilMs, note });
      await parts.policyChanged();
      return { rule };
    },
    'queue.suspensions': async () => {
      const nowMs = clock.nowMs();
      const isOn = ({ untilMs }: HoldRule) => untilMs === 0 || untilMs > nowMs;
      return { rules: (await directory.holdRules()).filter(isOn) };
    },
    'queue.resume': async ({ id }) => {
      await directory.deleteHoldRule(id);
      await parts.policyChanged();
      return {};
    },
  };
}

async function filterOf(
  parts: ControlParts,
  wanted: Omit<SuspendParams, 'untilMs' | 'note'>,
): Promise<HoldFilter> {
  const { tenant: name, campaign, sender, domain, recipient } = wanted;
  const tenant = name === undefined ? undefined : await tenantNamed(parts, name);
  return {
    ...(tenant === undefined ? {} : { tenant: { id: tenant.id, name: tenant.name } }),
    ...(campaign === undefined ? {} : { campaign }),
    ...(sender === undefined ? {} : { sender }),
    ...(domain === undefined ? {} : { domain: domain.toLowerCase() }),
    ...(recipient === undefined ? {} : { recipient: recipient.toLowerCase() }),
  };
}
