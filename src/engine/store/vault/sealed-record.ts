/**
 * A record as it stands sealed in a segment, and a body opened from there.
 *
 * Runs in:   engine threads; pure but for the nonces drawn.
 * Limits:    `sealedHeadBytes` a record; meta and body stay as long as they were, so places of bodies do not change.
 * Invariant: account, version, shard, type, tenant and sequence are part of what the tags prove: a record sealed for
 *            one place opens in no other. Compaction gives a body a new sequence and so seals it anew.
 *
 * Layout of a sealed record's meta: head | meta. The head is a nonce and a tag of the meta, then of the body; those of
 * the body are proven with the meta.
 */

import { Buffer } from 'node:buffer';
import { concat, emptyBytes } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import type { TenantId } from '../../../base/ids.ts';
import type { JournalRecord, RecordDraft } from '../record.ts';
import {
  type Nonces,
  nonceBytes,
  openBytes,
  openPart,
  sealBytes,
  tagBytes,
} from './sealed-bytes.ts';
import type { DataKey, KeyGone, KeyName, Vault } from './vault.ts';

const bodyNonceAt = nonceBytes + tagBytes;
const bodyTagAt = bodyNonceAt + nonceBytes;
export const sealedHeadBytes = bodyTagAt + tagBytes;
const contextBytes = 28;
const metaPart = 0;
const bodyPart = 1;
const noBody = new Uint8Array(nonceBytes + tagBytes);

/** What a record's header says of it. */
export interface RecordFacts {
  readonly type: number;
  readonly tenant: TenantId;
  readonly sequence: number;
}

/** For the journal: sealed where the draft has a key. */
export function sealDraft(
  draft: RecordDraft,
  shard: number,
  sequence: number,
  nonces: Nonces,
): RecordDraft {
  const { key, type, tenant, meta, body, side } = draft;
  if (key === undefined) return draft;
  const context = contextOf(shard, { type, tenant, sequence }, key);
  const bodyHead = Buffer.alloc(nonceBytes + tagBytes);
  let sealedBody: readonly Uint8Array[] = body;
  if (side === undefined && body.length > 0) {
    const nonce = nonces.next();
    context[contextBytes - 1] = bodyPart;
    const sealed = sealBytes(key.records, nonce, context, body);
    sealedBody = sealed.parts;
    bodyHead.set(nonce);
    bodyHead.set(sealed.tag, nonceBytes);
  }
  const nonce = nonces.next();
  context[contextBytes - 1] = metaPart;
  const sealed = sealBytes(key.records, nonce, concat([context, bodyHead]), [meta]);
  const { account, version } = key;
  return {
    type,
    tenant,
    meta: concat([nonce, sealed.tag, bodyHead, ...sealed.parts]),
    body: sealedBody,
    ...(side === undefined ? {} : { side }),
    sealedBy: { account, version },
  };
}

/** Why a record cannot be opened: its key is gone, or it is not what was sealed. */
export type Unopened = KeyGone | 'damaged';

/** A record read from a segment, as it was appended. */
export function openRecord(
  record: JournalRecord,
  shard: number,
  vault: Vault | undefined,
): JournalRecord | Unopened {
  const { sealedBy, place, type, tenant, meta } = record;
  if (sealedBy === undefined) return record;
  const key = vault?.find(sealedBy) ?? 'missing';
  if (typeof key === 'string') return key;
  const context = contextOf(shard, { type, tenant, sequence: place.sequence }, key);
  const hasHead = meta.byteLength >= sealedHeadBytes;
  const proven = hasHead ? openMeta(key, context, meta) : undefined;
  const body = hasHead ? openBodyWith(key, context, meta, record.body) : undefined;
  if (proven === undefined || body === undefined) return 'damaged';
  return { place, type, tenant, meta: proven, body };
}

/** A body read whole, its record's meta with it. Undefined: it is not what was sealed. */
export function openWholeBody(
  vault: Vault | undefined,
  shard: number,
  facts: RecordFacts,
  by: KeyName,
  meta: Uint8Array,
  body: Uint8Array,
): Uint8Array | undefined {
  const key = keyOf(vault, by);
  if (meta.byteLength < sealedHeadBytes) return undefined;
  return openBodyWith(key, contextOf(shard, facts, key), meta, body);
}

/** A part of a body, unproven as any part that is read. `head` is the beginning of its record's meta. */
export function openBodyPart(
  vault: Vault | undefined,
  by: KeyName,
  head: Uint8Array,
  from: number,
  part: Uint8Array,
): Uint8Array {
  const key = keyOf(vault, by);
  return openPart(key.records, head.subarray(bodyNonceAt, bodyTagAt), from, part);
}

function keyOf(vault: Vault | undefined, by: KeyName): DataKey {
  const key = vault?.find(by) ?? 'missing';
  if (typeof key !== 'string') return key;
  throw new MailError('store-failed', `the key of account ${by.account} is ${key}`);
}

function openMeta(key: DataKey, context: Buffer, meta: Uint8Array): Buffer | undefined {
  context[contextBytes - 1] = metaPart;
  const bodyHead = meta.subarray(bodyNonceAt, sealedHeadBytes);
  const nonce = meta.subarray(0, nonceBytes);
  const tag = meta.subarray(nonceBytes, bodyNonceAt);
  const proof = concat([context, bodyHead]);
  return openBytes(key.records, nonce, proof, meta.subarray(sealedHeadBytes), tag);
}

function openBodyWith(
  key: DataKey,
  context: Buffer,
  meta: Uint8Array,
  body: Uint8Array,
): Uint8Array | undefined {
  const head = meta.subarray(bodyNonceAt, sealedHeadBytes);
  const isNone = Buffer.compare(head, noBody) === 0;
  if (isNone) return body.byteLength === 0 ? emptyBytes : undefined;
  context[contextBytes - 1] = bodyPart;
  const [nonce, tag] = [head.subarray(0, nonceBytes), head.subarray(nonceBytes)];
  return openBytes(key.records, nonce, context, body, tag);
}

/** What both tags prove beside the bytes; the last byte tells which of the two. */
function contextOf(shard: number, facts: RecordFacts, { account, version }: KeyName): Buffer {
  const context = Buffer.alloc(contextBytes);
  context.writeUInt32LE(shard, 0);
  context.writeUInt32LE(account, 4);
  context.writeUInt32LE(version, 8);
  context.writeUInt32LE(facts.tenant, 12);
  context.writeDoubleLE(facts.sequence, 16);
  context.writeUInt8(facts.type, 24);
  return context;
}
