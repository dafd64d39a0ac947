/**
 * Webhooks, as operators and tenants' programs ask of them.
 *
 * Runs in:   main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { WebhookView } from '../../actors/asks/webhook-control.ts';
import type { TenantId } from '../../base/ids.ts';
import { secondMs } from '../../base/units.ts';
import { cursorOf } from '../events/event-reader.ts';
import type { Webhook } from '../events/webhook-rows.ts';
import type { Webhooks } from '../events/webhooks.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

export function webhookHandlers(parts: ControlParts): ControlHandlers {
  const { webhooks, directory } = parts;
  const tenantOf = async (name: string | undefined): Promise<TenantId | undefined> =>
    name === undefined ? undefined : (await tenantNamed(parts, name)).id;
  const view = async (webhook: Webhook) => {
    const tenants = await directory.tenants();
    const tenant = tenants.find(({ id }) => id === webhook.tenant)?.name ?? '';
    return webhookView(webhooks, webhook, tenant);
  };
  return {
    'webhook.add': async ({ tenant, ...input }) => {
      const { webhook, secret } = await webhooks.add((await tenantNamed(parts, tenant)).id, input);
      return { webhook: await view(webhook), secret };
    },
    'webhook.list': async ({ tenant }) => ({
      webhooks: await Promise.all(webhooks.list(await tenantOf(tenant)).map(view)),
    }),
    'webhook.remove': async ({ id, tenant }) => {
      await webhooks.remove(id, await tenantOf(tenant));
      return {};
    },
    'webhook.pause': async ({ id, tenant }) => ({
      webhook: await view(await webhooks.pause(id, await tenantOf(tenant))),
    }),
    'webhook.resume': async ({ id, tenant }) => ({
      webhook: await view(await webhooks.resume(id, await tenantOf(tenant))),
    }),
    'webhook.replay': async ({ id, from, tenant }) => ({
      webhook: await view(await webhooks.replay(id, from, await tenantOf(tenant))),
    }),
    'webhook.rotate': async ({ id, tenant }) => {
      const { webhook, secret } = await webhooks.rotate(id, await tenantOf(tenant));
      return { webhook: await view(webhook), secret };
    },
  };
}

/** Without its secrets. */
export function webhookView(
  webhooks: Pick<Webhooks, 'nextTryMs' | 'lagMs'>,
  webhook: Webhook,
  tenant: string,
): WebhookView {
  const { id, url, kinds, campaign, reason, isPaused, createdMs, places } = webhook;
  const { sentCount, failureCount, gapCount, lastSentMs, failingSinceMs } = webhook;
  const nextTryMs = webhooks.nextTryMs(webhook);
  return {
    ...{ id, tenant, url, types: kinds, campaign },
    state: isPaused ? 'paused' : failingSinceMs > 0 ? 'failing' : 'active',
    ...{ reason, created: new Date(createdMs).toISOString(), cursor: cursorOf(places) },
    ...{ sentCount, failureCount, gapCount },
    lagSeconds: Math.round(webhooks.lagMs(webhook) / secondMs),
    ...(lastSentMs === 0 ? {} : { lastSent: new Date(lastSentMs).toISOString() }),
    ...(failingSinceMs === 0 ? {} : { failingSince: new Date(failingSinceMs).toISOString() }),
    ...(nextTryMs === 0 ? {} : { nextTry: new Date(nextTryMs).toISOString() }),
  };
}
