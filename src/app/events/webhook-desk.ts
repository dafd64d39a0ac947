/**
 * Webhooks as the HTTP API asks of them: all of one tenant.
 *
 * Runs in:   main thread.
 */

import type { WebhookDesk } from '../../edge/protocols/http/api/webhooks.ts';
import { webhookView } from '../control/webhook-handlers.ts';
import type { Webhook } from './webhook-rows.ts';
import type { Webhooks } from './webhooks.ts';

export function webhookDesk(webhooks: Webhooks): WebhookDesk {
  // The caller's own: it needs no name for it.
  const view = (webhook: Webhook) => webhookView(webhooks, webhook, '');
  const made = ({ webhook, secret }: { webhook: Webhook; secret: string }) => ({
    webhook: view(webhook),
    secret,
  });
  return {
    list: (tenant) => webhooks.list(tenant).map(view),
    add: async (tenant, input) => made(await webhooks.add(tenant, input)),
    remove: (tenant, id) => webhooks.remove(id, tenant),
    pause: async (tenant, id) => view(await webhooks.pause(id, tenant)),
    resume: async (tenant, id) => view(await webhooks.resume(id, tenant)),
    replay: async (tenant, id, from) => view(await webhooks.replay(id, from, tenant)),
    rotate: async (tenant, id) => made(await webhooks.rotate(id, tenant)),
  };
}
