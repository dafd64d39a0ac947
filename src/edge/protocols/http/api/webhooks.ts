/**
 * `/api/v1/webhooks`: a tenant's webhooks, made and ended by its programs.
 *
 * Runs in:   edge (main thread).
 * Limits:    `webhooksPerTenantMax` of the desk.
 * Invariant: a key sees and changes its own tenant's, and needs the scope `webhooks`. A secret is in one answer.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebhookInput, WebhookView } from '../../../../actors/asks/webhook-control.ts';
import type { TenantId } from '../../../../base/ids.ts';
import { callerOf } from './caller.ts';
import { ApiFault } from './fault.ts';
import { webhookReplaySchema, webhookSchema } from './webhook-schema.ts';

interface Made {
  readonly webhook: WebhookView;
  readonly secret: string;
}

/** All of one tenant. Each answers once it is durable. @throws MailError `argument-invalid`, `not-found` */
export interface WebhookDesk {
  list(tenant: TenantId): readonly WebhookView[];
  add(tenant: TenantId, input: WebhookInput): Promise<Made>;
  remove(tenant: TenantId, id: number): Promise<void>;
  pause(tenant: TenantId, id: number): Promise<WebhookView>;
  resume(tenant: TenantId, id: number): Promise<WebhookView>;
  replay(tenant: TenantId, id: number, from: string): Promise<WebhookView>;
  rotate(tenant: TenantId, id: number): Promise<Made>;
}

const path = '/api/v1/webhooks';
const config = { scope: 'webhooks' } as const;

export function webhookRoutes(app: FastifyInstance, desk: WebhookDesk): void {
  app.get(path, {
    config,
    handler: async (request) => ({ webhooks: desk.list(tenantOf(request)).map(shown) }),
  });
  app.post(path, {
    config,
    schema: { body: webhookSchema },
    async handler(request, reply) {
      const made = await desk.add(tenantOf(request), request.body as WebhookInput);
      reply.code(201);
      return { ...shown(made.webhook), secret: made.secret };
    },
  });
  app.delete(`${path}/:id`, {
    config,
    async handler(request) {
      await desk.remove(tenantOf(request), idOf(request));
      return { removed: true };
    },
  });
  for (const act of ['pause', 'resume'] as const) {
    app.post(`${path}/:id/${act}`, {
      config,
      handler: async (request) => shown(await desk[act](tenantOf(request), idOf(request))),
    });
  }
  app.post(`${path}/:id/replay`, {
    config,
    schema: { body: webhookReplaySchema },
    async handler(request) {
      const { from } = request.body as { readonly from: string };
      return shown(await desk.replay(tenantOf(request), idOf(request), from));
    },
  });
  app.post(`${path}/:id/rotate`, {
    config,
    async handler(request) {
      const made = await desk.rotate(tenantOf(request), idOf(request));
      return { ...shown(made.webhook), secret: made.secret };
    },
  });
}

function tenantOf(request: FastifyRequest): TenantId {
  return callerOf(request).key.tenant;
}

function idOf({ params }: FastifyRequest): number {
  const { id } = params as { readonly id: string };
  if (!/^[1-9]\d{0,9}$/.test(id)) throw new ApiFault('not-found', 'no such webhook');
  return Number(id);
}

function shown({ tenant: _, ...webhook }: WebhookView): Omit<WebhookView, 'tenant'> {
  return webhook;
}
