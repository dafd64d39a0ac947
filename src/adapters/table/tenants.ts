/**
 * Tenants and API keys of a table directory: their reads, and what a write of them changes.
 *
 * Runs in:   the main thread.
 * Limits:    `cachedKeysMax` keys remembered; `forget` empties the memory after every commit.
 * Invariant: what a write needs is decided in the directory's turn, so that no number is given twice.
 */

import { MailError } from '../../base/errors.ts';
import { type ApiKeyId, apiKeyId, defaultTenant, type TenantId, tenantId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import {
  type ApiKey,
  apiKeysPerTenantMax,
  apiScopes,
  type Domain,
  defaultTenantName,
  type Tenant,
} from '../../ports/account-directory.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import * as rows from './directory-rows.ts';
import { tenantRemovals } from './identity-rows.ts';

const cachedKeysMax = 10_000;
const keyNameMax = 64;
const tenantName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const keyHash = /^[0-9a-f]{64}$/;

/** It has no row: folders from before there were tenants have it, too. */
const theDefault: Tenant = { id: defaultTenant, name: defaultTenantName, createdMs: 0 };

interface Decided<T> {
  readonly made: T;
  readonly changes: readonly IndexChange[];
}

export class Tenants {
  readonly #table: ShardIndex;
  readonly #keys = new RecentMap<ApiKeyId, ApiKey>(cachedKeysMax);

  constructor(table: ShardIndex) {
    this.#table = table;
  }

  forget(): void {
    this.#keys.clear();
  }

  byId(id: TenantId): Tenant | undefined {
    if (id === defaultTenant) return theDefault;
    return this.#row<Tenant>(rows.tenantKey(id));
  }

  byName(name: string): Tenant | undefined {
    if (name === defaultTenantName) return theDefault;
    const id = tenantName.test(name) ? this.#row<number>(rows.tenantNameKey(name)) : undefined;
    return id === undefined ? undefined : this.byId(tenantId(id));
  }

  /** The one without a row comes first. */
  get withoutRow(): Tenant {
    return theDefault;
  }

  key(id: ApiKeyId): ApiKey | undefined {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const key = this.#row<ApiKey>(rows.apiKeyKey(id));
    if (key !== undefined) this.#keys.set(id, key);
    return key;
  }

  /** @throws MailError `argument-invalid`, `already-exists` */
  create({ name, createdMs }: Omit<Tenant, 'id'>): Decided<Tenant> {
    if (!tenantName.test(name)) {
      throw new MailError(
        'argument-invalid',
        `a tenant's name has 1 to 63 lower-case letters, digits and hyphens: ${JSON.stringify(name)}`,
      );
    }
    if (this.byName(name) !== undefined) throw new MailError('already-exists', `tenant ${name}`);
    const id = tenantId(this.#row<number>(rows.nextTenantKey) ?? 1);
    const made: Tenant = { id, name, createdMs };
    return {
      made,
      changes: [
        put(rows.tenantKey(id), made),
        put(rows.tenantNameKey(name), id),
        put(rows.nextTenantKey, id + 1),
      ],
    };
  }

  /** @throws MailError `argument-invalid`, `not-found` */
  replace(tenant: Tenant): readonly IndexChange[] {
    const { id, messagesPerHourMax = 0, messagesPerDayMax = 0, queueMax = 0 } = tenant;
    const before = this.byId(id);
    if (before === undefined) throw new MailError('not-found', `tenant ${id}`);
    if (id === defaultTenant) {
      throw new MailError('argument-invalid', `${defaultTenantName} has no quota: its domains may`);
    }
    const isGood = [messagesPerHourMax, messagesPerDayMax, queueMax].every(
      (count) => Number.isSafeInteger(count) && count >= 0,
    );
    if (!isGood) throw new MailError('argument-invalid', 'a quota is a number of messages');
    if (tenant.name !== before.name) {
      throw new MailError('argument-invalid', 'a tenant keeps its name');
    }
    return [put(rows.tenantKey(id), tenant)];
  }

  /** With all that stands under it. @throws MailError `argument-invalid`, `not-found`, `not-possible-now` */
  remove(id: TenantId): readonly IndexChange[] {
    const tenant = this.byId(id);
    if (tenant === undefined) throw new MailError('not-found', `tenant ${id}`);
    if (id === defaultTenant) {
      throw new MailError('argument-invalid', `${defaultTenantName} is always there`);
    }
    const { from, to } = rows.everyDomain;
    let hasDomain = false;
    this.#table.each(from, to, (_key, value) => {
      hasDomain = rows.decodeRow<Domain>(value).tenant === id;
      return !hasDomain;
    });
    if (hasDomain) throw new MailError('not-possible-now', `${tenant.name} still has domains`);
    const keys = rows.apiKeysOf(id);
    const own = this.#table.range(keys).map(({ key }) => ({
      remove: rows.apiKeyKey(rows.idOfKey(key) as number as ApiKeyId),
    }));
    return [
      { remove: rows.tenantKey(id) },
      { remove: rows.tenantNameKey(tenant.name) },
      ...own,
      { removeFrom: keys.from, to: keys.to },
      ...tenantRemovals(id),
    ];
  }

  /** @throws MailError `argument-invalid`, `not-found`, `not-possible-now` */
  createKey(key: Omit<ApiKey, 'id'>): Decided<ApiKey> {
    const { tenant } = key;
    if (this.byId(tenant) === undefined) throw new MailError('not-found', `tenant ${tenant}`);
    refuseKey(key);
    const range = { ...rows.apiKeysOf(tenant), limit: apiKeysPerTenantMax };
    if (this.#table.range(range).length === apiKeysPerTenantMax) {
      throw new MailError('not-possible-now', `a tenant has at most ${apiKeysPerTenantMax} keys`);
    }
    const id = apiKeyId(this.#row<number>(rows.nextApiKeyKey) ?? 1);
    const made: ApiKey = { ...key, id };
    return {
      made,
      changes: [
        put(rows.apiKeyKey(id), made),
        { put: rows.apiKeyOfKey(tenant, id), value: new Uint8Array(0) },
        put(rows.nextApiKeyKey, id + 1),
      ],
    };
  }

  /** @throws MailError `not-found` */
  deleteKey(id: ApiKeyId): readonly IndexChange[] {
    const key = this.key(id);
    if (key === undefined) throw new MailError('not-found', `API key ${id}`);
    return [{ remove: rows.apiKeyKey(id) }, { remove: rows.apiKeyOfKey(key.tenant, id) }];
  }

  #row<Row>(key: Uint8Array): Row | undefined {
    const value = this.#table.get(key);
    return value === undefined ? undefined : rows.decodeRow<Row>(value);
  }
}

function refuseKey({ name, scopes, hash, messagesPerMinuteMax }: Omit<ApiKey, 'id'>): void {
  if (name.length > keyNameMax || /[\x00-\x1f\x7f]/.test(name)) {
    throw new MailError('argument-invalid', `a key's name has at most ${keyNameMax} characters`);
  }
  if (scopes.length === 0 || !scopes.every((scope) => apiScopes.includes(scope))) {
    throw new MailError('argument-invalid', `scopes are: ${apiScopes.join(', ')}`);
  }
  if (!Number.isSafeInteger(messagesPerMinuteMax) || messagesPerMinuteMax < 0) {
    throw new MailError('argument-invalid', 'a rate is a number of messages a minute');
  }
  if (!keyHash.test(hash)) throw new MailError('argument-invalid', 'a hash is SHA-256 in hex');
}

function put(key: Uint8Array, row: Parameters<typeof rows.encodeRow>[0]): IndexChange {
  return { put: key, value: rows.encodeRow(row) };
}
