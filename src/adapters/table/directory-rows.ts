/**
 * Keys and rows of an account directory kept in an ordered table.
 *
 * Runs in:   the main thread; pure.
 * Invariant: names sort by domain first, so that a domain's names are one range; numbers are big-endian. Rows are
 *            JSON: they are few, and an operator can read them.
 *
 *   d·domain                 Domain
 *   k·domain                 DkimKey[]
 *   n·domain·0·localPart     NameRow: an account's number, a group's, or an alias
 *   f·domain·0·id            the domain's accounts by number: the first one gets its postmaster's mail
 *   a·id                     Account
 *   m·next                   the next account number
 *   s·id·identifier          the account's access lists name another account, or anyone (0)
 *   t·id                     Tenant
 *   u·name                   a tenant's number
 *   v·id                     ApiKey
 *   w·tenant·id              a tenant's API keys
 *   h·id                     HoldRule
 *   mkey, mtenant, mhold     the next numbers of these
 *   msrs                     SrsSecret[]
 */

import { Buffer } from 'node:buffer';
import type { AccountId, ApiKeyId, GroupId, TenantId } from '../../base/ids.ts';
import type {
  Account,
  Alias,
  ApiKey,
  DkimKey,
  Domain,
  SrsSecret,
  Tenant,
} from '../../ports/account-directory.ts';
import type { HoldRule } from '../../ports/hold-rule.ts';
import type { SplitAddress } from './addresses.ts';

export type NameRow =
  | { readonly account: AccountId }
  | { readonly group: GroupId }
  | { readonly alias: Pick<Alias, 'tenant' | 'targets'> };

export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

export const nextIdKey = Buffer.from('mnext');
export const nextTenantKey = Buffer.from('mtenant');
export const nextApiKeyKey = Buffer.from('mkey');
export const srsSecretsKey = Buffer.from('msrs');
export const nextHoldRuleKey = Buffer.from('mhold');
export const domainKey = (name: string) => Buffer.from(`d${name}`);
export const dkimKey = (name: string) => Buffer.from(`k${name}`);
export const nameKey = (name: SplitAddress) => Buffer.from(`n${name.domain}\0${name.localPart}`);
export const accountKey = (id: AccountId) => numbered('a', id);
export const tenantKey = (id: TenantId) => numbered('t', id);
export const tenantNameKey = (name: string) => Buffer.from(`u${name}`);
export const apiKeyKey = (id: ApiKeyId) => numbered('v', id);
export const apiKeyOfKey = (tenant: TenantId, id: ApiKeyId) => {
  const key = Buffer.alloc(9);
  key.write('w');
  key.writeUInt32BE(tenant, 1);
  key.writeUInt32BE(id, 5);
  return key;
};
export const holdRuleKey = (id: number) => numbered('h', id);
export const memberKey = (domain: string, id: AccountId) => numbered(`f${domain}\0`, id);

export const sharingKey = (owner: AccountId, identifier: number) => {
  const key = Buffer.alloc(9);
  key.write('s');
  key.writeUInt32BE(owner, 1);
  key.writeUInt32BE(identifier, 5);
  return key;
};

export const everySharing: KeyRange = { from: Buffer.from('s'), to: Buffer.from('t') };
export const sharingsOf = (owner: AccountId): KeyRange => {
  const from = sharingKey(owner, 0);
  return { from, to: Buffer.concat([sharingKey(owner, 0xffff_ffff), Buffer.of(0)]) };
};
export const everyHoldRule: KeyRange = { from: Buffer.from('h'), to: Buffer.from('i') };
export const everyTenant: KeyRange = { from: Buffer.from('t'), to: Buffer.from('u') };
export const everyApiKey: KeyRange = { from: Buffer.from('v'), to: Buffer.from('w') };
export const apiKeysOf = (tenant: TenantId): KeyRange => {
  const from = apiKeyOfKey(tenant, 0 as ApiKeyId);
  return { from, to: Buffer.concat([from.subarray(0, 5), Buffer.alloc(5, 0xff)]) };
};
export const everyDomain: KeyRange = { from: Buffer.from('d'), to: Buffer.from('e') };
export const everyAccount: KeyRange = { from: Buffer.from('a'), to: Buffer.from('b') };
export const everyName: KeyRange = { from: Buffer.from('n'), to: Buffer.from('o') };
export const namesOf = (domain: string): KeyRange => under(`n${domain}`);
export const membersOf = (domain: string): KeyRange => under(`f${domain}`);

export function nameOfKey(key: Uint8Array): SplitAddress {
  const [domain = '', localPart = ''] = textOf(key).slice(1).split('\0');
  return { domain, localPart };
}

/** The number a key ends with. */
export function idOfKey(key: Uint8Array): AccountId {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.readUInt32BE(bytes.length - 4) as AccountId;
}

export function sharingOfKey(key: Uint8Array): readonly [owner: AccountId, identifier: number] {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return [bytes.readUInt32BE(1) as AccountId, bytes.readUInt32BE(5)];
}

type Row =
  | Tenant
  | ApiKey
  | HoldRule
  | Domain
  | Account
  | NameRow
  | readonly DkimKey[]
  | readonly SrsSecret[]
  | number;

export function encodeRow(row: Row): Buffer {
  return Buffer.from(JSON.stringify(row));
}

export function decodeRow<Row>(value: Uint8Array): Row {
  return JSON.parse(textOf(value)) as Row;
}

/** The first key after `key`: where the next page of a range starts. */
export function after(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

function numbered(prefix: string, id: number): Buffer {
  const key = Buffer.alloc(Buffer.byteLength(prefix) + 4);
  key.write(prefix);
  key.writeUInt32BE(id, key.length - 4);
  return key;
}

function under(prefix: string): KeyRange {
  return { from: Buffer.from(`${prefix}\0`), to: Buffer.from(`${prefix}\x01`) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
