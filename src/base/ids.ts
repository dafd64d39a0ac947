/**
 * Branded numbers and strings that must not be mixed up.
 *
 * Runs in: every thread. The casts here are the only ones allowed.
 */

import { assert } from './assert.ts';

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Number of a shard, from 0 up to `shards - 1`; fixed for the life of a data folder. */
export type ShardId = Brand<number, 'ShardId'>;
/** u32; 0 is the default tenant. */
export type TenantId = Brand<number, 'TenantId'>;
/** u32, from 1 up. */
export type AccountId = Brand<number, 'AccountId'>;
/** u32, from 1 up; it stands in the key's text. */
export type ApiKeyId = Brand<number, 'ApiKeyId'>;
/** u32 of 31 bits, from 1 up: access lists have numbers of accounts and of groups side by side. */
export type GroupId = Brand<number, 'GroupId'>;
/** Name of one accepted message: 16 characters of Crockford base32. It stands in the 250, Received, logs and traces. */
export type MessageId = Brand<string, 'MessageId'>;

export const defaultTenant = 0 as TenantId;

const u32Max = 0xffff_ffff;

function u32(value: number, least: number, what: string): number {
  assert(
    Number.isInteger(value) && value >= least && value <= u32Max,
    `${what} out of range: ${value}`,
  );
  return value;
}

export const shardId = (value: number) => u32(value, 0, 'shard') as ShardId;
export const accountId = (value: number) => u32(value, 1, 'account') as AccountId;
export const tenantId = (value: number) => u32(value, 0, 'tenant') as TenantId;
export const groupId = (value: number) => {
  assert(value <= 0x7fff_ffff, `group out of range: ${value}`);
  return u32(value, 1, 'group') as GroupId;
};
export const apiKeyId = (value: number) => u32(value, 1, 'API key') as ApiKeyId;

const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const messageIdPattern = /^[0-9A-HJKMNP-TV-Z]{16}$/;

/** Ids of one process: 45 bits of milliseconds, 15 bits of this start, 20 bits of counter. */
export class MessageIdSource {
  readonly #nowMs: () => number;
  readonly #start: string;
  #lastMs = 0;
  #lastMsText = '';
  #counter = 0;

  /** `startBits` is random per process start, so that two starts in one millisecond cannot make equal ids. */
  constructor(nowMs: () => number, startBits: number) {
    this.#nowMs = nowMs;
    this.#start = encodeBase32(startBits & 0x7fff, 3);
  }

  next(): MessageId {
    let nowMs = this.#nowMs();
    this.#counter = (this.#counter + 1) & 0xf_ffff;
    // A clock that steps back, or a full counter inside one millisecond, must not repeat an id.
    if (nowMs < this.#lastMs) nowMs = this.#lastMs;
    if (this.#counter === 0) nowMs = this.#lastMs + 1;
    if (nowMs !== this.#lastMs) {
      this.#lastMs = nowMs;
      this.#lastMsText = encodeBase32(nowMs, 9);
    }
    return (this.#lastMsText + this.#start + encodeBase32(this.#counter, 4)) as MessageId;
  }
}

export function isMessageId(text: string): text is MessageId {
  return messageIdPattern.test(text);
}

/** The accepting instant an id was made at, in epoch milliseconds. */
export function messageIdMs(id: MessageId): number {
  let value = 0;
  for (let i = 0; i < 9; i++) value = value * 32 + base32.indexOf(id[i]!);
  return value;
}

/** No id made up to then is greater, and none made later is less. */
export function lastIdAt(epochMs: number): string {
  return encodeBase32(epochMs, 9) + base32.at(-1)!.repeat(7);
}

function encodeBase32(value: number, digits: number): string {
  let text = '';
  for (let i = 0; i < digits; i++) {
    text = base32[value % 32]! + text;
    value = Math.floor(value / 32);
  }
  return text;
}
