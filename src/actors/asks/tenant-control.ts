/**
 * What operators may ask of tenants and their API keys.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import type { Method, Nothing } from './control-method.ts';

export interface TenantView {
  readonly id: number;
  readonly name: string;
  /** Absent or 0: no quota. */
  readonly messagesPerHourMax?: number;
  readonly messagesPerDayMax?: number;
  readonly createdMs: number;
}

export interface ApiKeyView {
  readonly id: number;
  /** Its tenant's name. */
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** 0: no limit of its own. */
  readonly messagesPerMinuteMax: number;
  readonly createdMs: number;
}

export interface TenantMethods {
  'tenant.create': Method<{ readonly name: string }, { readonly tenant: TenantView }>;
  /** What is absent stays as it is; 0 ends a quota. */
  'tenant.set': Method<
    {
      readonly name: string;
      readonly messagesPerHourMax?: number;
      readonly messagesPerDayMax?: number;
    },
    { readonly tenant: TenantView }
  >;
  'tenant.list': Method<Nothing, { readonly tenants: readonly TenantView[] }>;

  /** The only answer that has the secret. */
  'key.create': Method<
    {
      readonly tenant: string;
      readonly scopes: readonly string[];
      readonly name?: string;
      readonly messagesPerMinuteMax?: number;
    },
    { readonly key: ApiKeyView; readonly secret: string }
  >;
  'key.list': Method<{ readonly tenant?: string }, { readonly keys: readonly ApiKeyView[] }>;
  'key.delete': Method<{ readonly id: number }, Nothing>;
}
