/**
 * Acts of operators on tenants, keys, domains and suppressed addresses, put into the event log beside what they did.
 *
 * Runs in:   main thread.
 * Invariant: an act is noted after it is durable and before it is answered. One that could not be noted is answered
 *            all the same, for it was done, and a line of the log says so. No secret is in a note.
 */

import type {
  ControlHandler,
  ControlHandlers,
  ControlMethod,
  ControlParams,
  ControlResult,
} from '../../actors/asks/control.ts';
import { principalWords } from '../../actors/asks/principal.ts';
import { defaultTenant, type TenantId } from '../../base/ids.ts';
import type { ControlParts } from './parts.ts';

type NotedParts = Pick<ControlParts, 'directory' | 'clock' | 'note'>;

interface Told {
  readonly tenant: TenantId | undefined;
  readonly detail: string;
}

/** Asked before the act, for some leave nothing to ask; what it answers is asked after it. */
interface Act<M extends ControlMethod> {
  readonly what: string;
  readonly tell: (params: ControlParams<M>) => Promise<(result: ControlResult<M>) => Told>;
}

type Acts = { readonly [M in ControlMethod]?: Act<M> };

export function notedActs(parts: NotedParts, handlers: ControlHandlers): ControlHandlers {
  const acts = { ...tenantActs(parts), ...domainActs(parts), ...suppressionActs(parts) };
  const noted = Object.keys(acts).map((method) => [
    method,
    notedAct(parts, acts, handlers, method as ControlMethod),
  ]);
  return { ...handlers, ...Object.fromEntries(noted) };
}

function notedAct<M extends ControlMethod>(
  { clock, note }: NotedParts,
  acts: Acts,
  handlers: ControlHandlers,
  method: M,
): ControlHandler<M> {
  const act = acts[method] as Act<M>;
  const handler = handlers[method] as ControlHandler<M>;
  return async (params, call) => {
    const tell = await act.tell(params);
    const result = await handler(params, call);
    const { tenant = defaultTenant, detail } = tell(result);
    const by = principalWords(call.by.principal);
    await note({ atMs: clock.nowMs(), tenant, what: act.what, detail, by });
    return result;
  };
}

function tenantActs({ directory }: NotedParts): Acts {
  const tenantOf = async (name: string) => (await directory.tenantByName(name))?.id;
  return {
    'tenant.create': {
      what: 'tenant-created',
      tell: async () => (result) => ({
        tenant: result.tenant.id as TenantId,
        detail: result.tenant.name,
      }),
    },
    'tenant.delete': {
      what: 'tenant-deleted',
      tell: async ({ name }) => {
        const tenant = await tenantOf(name);
        return () => ({ tenant, detail: name });
      },
    },
    'key.create': {
      what: 'key-created',
      tell: async ({ tenant: name }) => {
        const tenant = await tenantOf(name);
        return ({ key: { id, scopes } }) => ({ tenant, detail: `key ${id}: ${scopes.join(' ')}` });
      },
    },
    'key.delete': {
      what: 'key-deleted',
      tell: async ({ id }) => {
        const key = (await directory.apiKeys()).find((each) => each.id === id);
        return () => ({ tenant: key?.tenant, detail: `key ${id}` });
      },
    },
  };
}

function domainActs({ directory }: NotedParts): Acts {
  const tenantOf = async (domain: string) => (await directory.domain(domain))?.tenant;
  const ofKeys = async ({ domain, ...more }: { domain: string; selector?: string }) => {
    const tenant = await tenantOf(domain);
    const detail = [domain, more.selector].filter((word) => word !== undefined).join(' ');
    return () => ({ tenant, detail });
  };
  return {
    'domain.create': {
      what: 'domain-created',
      tell:
        async () =>
        ({ domain }) => ({ tenant: domain.tenant as TenantId, detail: domain.name }),
    },
    'domain.delete': {
      what: 'domain-deleted',
      tell: async ({ name }) => {
        const tenant = await tenantOf(name);
        return () => ({ tenant, detail: name });
      },
    },
    'dkim.rotate': { what: 'dkim-rotated', tell: ofKeys },
    'dkim.retire': { what: 'dkim-retired', tell: ofKeys },
    'dkim.delete': { what: 'dkim-deleted', tell: ofKeys },
  };
}

function suppressionActs({ directory }: NotedParts): Acts {
  const tenantOf = async (name: string) => (await directory.tenantByName(name))?.id;
  return {
    'suppression.add': {
      what: 'suppression-added',
      tell: async ({ tenant: name, entries }) => {
        const tenant = await tenantOf(name);
        const [first] = entries;
        const whom = entries.length === 1 ? first!.address : `${entries.length} addresses`;
        return ({ added }) => ({ tenant, detail: `${whom}: ${added} added` });
      },
    },
    'suppression.remove': {
      what: 'suppression-removed',
      tell: async ({ tenant: name, address }) => {
        const tenant = await tenantOf(name);
        return ({ count }) => ({ tenant, detail: `${address}: ${count} removed` });
      },
    },
  };
}
