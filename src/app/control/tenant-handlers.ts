/**
 * Tenants and their API keys, as operators make them.
 *
 * Runs in:   main thread.
 * Invariant: a key's secret is in one answer, of `key.create`, and kept nowhere.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { ApiKeyView } from '../../actors/asks/tenant-control.ts';
import { MailError } from '../../base/errors.ts';
import { apiKeyId, type TenantId } from '../../base/ids.ts';
import { countedTenantsMax } from '../../base/waiting-words.ts';
import { hashOfSecret, secretBytes, writeApiKey } from '../../edge/guard/api-keys.ts';
import type { ApiKey, ApiScope, Tenant } from '../../ports/account-directory.ts';
import type { Level } from '../../ports/levels.ts';
import type { ControlParts } from './parts.ts';

const pageRows = 500;

export function tenantHandlers(parts: ControlParts): ControlHandlers {
  const { directory, clock, random, shaping } = parts;
  return {
    'tenant.create': async ({ name }) => {
      const tenant = await directory.createTenant({ name, createdMs: clock.nowMs() });
      // Settings may name it: which pool its mail goes by.
      await parts.policyChanged();
      await shaping.tenantsChanged();
      return { tenant };
    },
    'tenant.set': async ({ name, ...quotas }) => {
      const { id } = await tenantNamed(parts, name);
      if ((quotas.queueMax ?? 0) > 0 && id >= countedTenantsMax) {
        const words = `what waits is counted for the first ${countedTenantsMax} tenants`;
        throw new MailError('not-possible-now', words);
      }
      const tenant = await directory.changeTenant(id, (row) => withLevel(row, quotas));
      await parts.quotaSpread.settle();
      return { tenant };
    },
    'tenant.show': async ({ name }) => {
      const tenant = await tenantNamed(parts, name);
      const own = (await directory.domains()).filter((domain) => domain.tenant === tenant.id);
      const accounts = await Promise.all(own.map((domain) => directory.accounts(domain.name)));
      return { tenant, accountCount: accounts.flat().length };
    },
    'tenant.delete': async ({ name }) => {
      const { id } = await tenantNamed(parts, name);
      await directory.deleteTenant(id);
      // A crash from here on leaves rows that nobody reaches: its number comes never again.
      await forgetTenant(parts, id);
      await parts.policyChanged();
      await shaping.tenantsChanged();
      return {};
    },
    'tenant.list': async () => ({ tenants: await directory.tenants() }),
    'key.create': async ({ tenant: name, scopes, messagesPerMinuteMax = 0, ...given }) => {
      const tenant = await tenantNamed(parts, name);
      const secret = random.bytes(secretBytes);
      const key = await directory.createApiKey({
        tenant: tenant.id,
        name: given.name ?? '',
        scopes: scopes as readonly ApiScope[],
        hash: hashOfSecret(secret).toString('hex'),
        messagesPerMinuteMax,
        createdMs: clock.nowMs(),
      });
      return { key: viewOf(key, tenant), secret: writeApiKey(key.id, secret) };
    },
    'key.list': async ({ tenant: name }) => {
      const tenants =
        name === undefined ? await directory.tenants() : [await tenantNamed(parts, name)];
      const only = name === undefined ? undefined : tenants[0]!.id;
      const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
      const keys = await directory.apiKeys(only);
      return { keys: keys.map((key) => viewOf(key, byId.get(key.tenant)!)) };
    },
    'key.delete': async ({ id }) => {
      if (!Number.isInteger(id) || id < 1 || id > 0xffff_ffff) {
        throw new MailError('argument-invalid', `no number of a key: ${id}`);
      }
      await directory.deleteApiKey(apiKeyId(id));
      return {};
    },
  };
}

/** What other stores have of a tenant that is gone. */
async function forgetTenant(
  { webhooks, batches, suppressions, clock }: ControlParts,
  tenant: TenantId,
): Promise<void> {
  for (const { id } of webhooks.list(tenant)) await webhooks.remove(id, tenant);
  for (const { id, state } of batches.list(tenant)) {
    if (state === 'generating') await batches.stop(tenant, id);
  }
  for (;;) {
    const { entries } = suppressions.page({ tenant, limit: pageRows, nowMs: clock.nowMs() });
    const addresses = new Set(entries.map(({ address }) => address));
    for (const address of addresses) await suppressions.remove(tenant, address, {});
    if (addresses.size === 0) return;
  }
}

/** @throws MailError `not-found` */
export async function tenantNamed(
  { directory }: Pick<ControlParts, 'directory'>,
  name: string,
): Promise<Tenant> {
  const tenant = await directory.tenantByName(name);
  if (tenant === undefined) throw new MailError('not-found', `tenant ${name}`);
  return tenant;
}

/** With what is given, and without what the level above is to say. */
export function withLevel<Row extends Level, Given extends Level>(
  row: Row,
  { inherit = [], ...given }: Given & { readonly inherit?: readonly (keyof Level)[] },
): Row {
  const changed: Row = { ...row, ...given };
  const kept = Object.entries(changed).filter(([name]) => !inherit.some((each) => each === name));
  return Object.fromEntries(kept) as Row;
}

function viewOf({ hash: _, ...key }: ApiKey, tenant: Tenant): ApiKeyView {
  return { ...key, tenant: tenant.name };
}
