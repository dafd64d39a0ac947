/**
 * What operators and tenants' programs may ask of webhooks.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { Method } from './control-method.ts';

export interface WebhookInput {
  readonly url: string;
  /** Kinds of events; absent: all. */
  readonly types?: readonly string[];
  /** Absent: all. */
  readonly campaign?: string;
}

export interface WebhookView {
  readonly id: number;
  readonly tenant: string;
  readonly url: string;
  /** Empty: all. */
  readonly types: readonly string[];
  /** "": all. */
  readonly campaign: string;
  readonly state: 'active' | 'failing' | 'paused';
  /** Why it is paused or what failed last; "" where nothing is. */
  readonly reason: string;
  readonly created: string;
  /** Behind what was taken; for `replay`. */
  readonly cursor: string;
  readonly sentCount: number;
  readonly failureCount: number;
  /** Times that events were kept no more when their turn came. */
  readonly gapCount: number;
  readonly lastSent?: string;
  readonly failingSince?: string;
  readonly nextTry?: string;
}

/** `tenant` absent: whatever its tenant. */
type One = { readonly id: number; readonly tenant?: string };

export interface WebhookMethods {
  'webhook.add': Method<
    WebhookInput & { readonly tenant: string },
    { readonly webhook: WebhookView; readonly secret: string }
  >;
  'webhook.list': Method<
    { readonly tenant?: string },
    { readonly webhooks: readonly WebhookView[] }
  >;
  'webhook.remove': Method<One, Readonly<Record<string, never>>>;
  'webhook.pause': Method<One, { readonly webhook: WebhookView }>;
  'webhook.resume': Method<One, { readonly webhook: WebhookView }>;
  /** `from`: a cursor, `start`, `end` or an instant (RFC 3339). */
  'webhook.replay': Method<One & { readonly from: string }, { readonly webhook: WebhookView }>;
  'webhook.rotate': Method<One, { readonly webhook: WebhookView; readonly secret: string }>;
}
