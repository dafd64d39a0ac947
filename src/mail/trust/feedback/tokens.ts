/**
 * Signed addresses and tokens by which what comes back for a message is known: bounce addresses, complaint addresses,
 * tokens of one-click unsubscription.
 *
 * Runs in:   edge and engine threads; pure (time is an argument). A bounce address costs two HMACs.
 * Specs:     draft-levine-smtp-batv-01 (a signed return path with a day in it), RFC 8058 §3.1 (opaque, hard to forge),
 *            RFC 5321 §4.5.3.1.1 (64 octets of a local part), §2.4 (case may be lost on the way: base32).
 * Limits:    a bounce address is good for `bounceDaysMax` days, a token for as long as its key is kept.
 * Invariant: tags are compared in constant time. A token tells nobody but us whom it is for: it is encrypted, and the
 *            same recipient's is always the same (an IV made of the text, as SIV does), so that repeats look alike.
 */

import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { isMessageId, type MessageId, type TenantId, tenantId } from '../../../base/ids.ts';
import { dayMs } from '../../../base/units.ts';
import { base32Bytes, base32Text } from './base32.ts';

export interface FeedbackKey {
  /** 0 to 255. */
  readonly id: number;
  /** 32 random bytes. */
  readonly secret: Uint8Array;
  readonly createdMs: number;
}

const bounceDaysMax = 30;
const daysKnown = 0x1_0000;
const hashBytes = 5;
const tagBytes = 8;
/** key, day, tenant, message, recipient; then the tag. */
const bounceBytes = 1 + 2 + 4 + 10 + hashBytes;
const bouncePrefix = 'b-';
const complaintPrefix = 'fbl-';
const ivBytes = 16;
const tokenBytesMax = 512;
/** Lengths of recipients are told no finer than this. */
const padBytes = 16;

/** What a bounce address says, once its tag was found right. */
export interface BounceFacts {
  readonly tenant: TenantId;
  readonly message: MessageId;
  readonly key: FeedbackKey;
  readonly recipientHash: Buffer;
}

export interface UnsubscribeFacts {
  readonly tenant: TenantId;
  readonly stream: string;
  readonly recipient: string;
}

export class FeedbackTokens {
  readonly #newest: FeedbackKey;
  readonly #keys: ReadonlyMap<number, FeedbackKey>;
  readonly #root: Uint8Array;

  /** `keys`: newest first, at least one. `root` stays for good: complaint addresses are registered for years. */
  constructor(keys: readonly FeedbackKey[], root: Uint8Array) {
    this.#newest = keys[0]!;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#root = root;
  }

  /** The local part of the return path of one recipient's copy. */
  bounceLocalPart(tenant: TenantId, message: MessageId, recipient: string, nowMs: number): string {
    const key = this.#newest;
    const bytes = Buffer.alloc(bounceBytes + tagBytes);
    bytes[0] = key.id;
    bytes.writeUInt16BE(Math.floor(nowMs / dayMs) % daysKnown, 1);
    bytes.writeUInt32BE(tenant, 3);
    base32Bytes(message).copy(bytes, 7);
    recipientHash(key, recipient).copy(bytes, 17);
    tagOf(key.secret, 'bounce', bytes.subarray(0, bounceBytes)).copy(bytes, bounceBytes);
    return bouncePrefix + base32Text(bytes);
  }

  /** Undefined for what we did not make, or too long ago. */
  readBounce(localPart: string, nowMs: number): BounceFacts | undefined {
    const bytes = readBase32(localPart, bouncePrefix, bounceBytes + tagBytes);
    const key = bytes === undefined ? undefined : this.#keys.get(bytes[0]!);
    if (bytes === undefined || key === undefined) return undefined;
    const said = bytes.subarray(0, bounceBytes);
    if (!timingSafeEqual(tagOf(key.secret, 'bounce', said), bytes.subarray(bounceBytes))) {
      return undefined;
    }
    const today = Math.floor(nowMs / dayMs) % daysKnown;
    const age = (today - bytes.readUInt16BE(1) + daysKnown) % daysKnown;
    // A clock that was set back a little makes tomorrow's addresses.
    if (age > bounceDaysMax && age !== daysKnown - 1) return undefined;
    const message = base32Text(bytes.subarray(7, 17)).toUpperCase();
    if (!isMessageId(message)) return undefined;
    const tenant = tenantId(bytes.readUInt32BE(3));
    return { tenant, message, key, recipientHash: bytes.subarray(17, 17 + hashBytes) };
  }

  /** Where a tenant has complaints sent: whoever knows the address may complain for any of its recipients. */
  complaintLocalPart(tenant: TenantId): string {
    const bytes = Buffer.alloc(4 + tagBytes);
    bytes.writeUInt32BE(tenant);
    tagOf(this.#root, 'complaint', bytes.subarray(0, 4)).copy(bytes, 4);
    return complaintPrefix + base32Text(bytes);
  }

  readComplaint(localPart: string): TenantId | undefined {
    const bytes = readBase32(localPart, complaintPrefix, 4 + tagBytes);
    if (bytes === undefined) return undefined;
    const isOurs = timingSafeEqual(
      tagOf(this.#root, 'complaint', bytes.subarray(0, 4)),
      bytes.subarray(4),
    );
    return isOurs ? tenantId(bytes.readUInt32BE(0)) : undefined;
  }

  unsubscribeToken({ tenant, stream, recipient }: UnsubscribeFacts): string {
    const said = Buffer.from(`${tenant}\0${stream}\0${recipient}\0`);
    const text = Buffer.alloc(Math.ceil(said.length / padBytes) * padBytes);
    said.copy(text);
    const { id, secret } = this.#newest;
    const iv = ivOf(secret, text);
    const cipher = createCipheriv('aes-256-ctr', subkey(secret, 'token text'), iv);
    return Buffer.concat([Buffer.of(id), iv, cipher.update(text), cipher.final()]).toString(
      'base64url',
    );
  }

  /** Undefined for what we did not make, or whose key is gone. */
  readUnsubscribe(token: string): UnsubscribeFacts | undefined {
    if (token.length > (tokenBytesMax * 4) / 3 || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    // A last character with spare bits has other spellings; only ours is read.
    if (bytes.toString('base64url') !== token) return undefined;
    const key = this.#keys.get(bytes[0]!);
    if (key === undefined || bytes.length <= 1 + ivBytes) return undefined;
    const iv = bytes.subarray(1, 1 + ivBytes);
    const cipher = createDecipheriv('aes-256-ctr', subkey(key.secret, 'token text'), iv);
    const text = Buffer.concat([cipher.update(bytes.subarray(1 + ivBytes)), cipher.final()]);
    if (!timingSafeEqual(ivOf(key.secret, text), iv)) return undefined;
    const [tenant = '', stream = '', recipient = ''] = text.toString().split('\0');
    return { tenant: tenantId(Number(tenant)), stream, recipient };
  }
}

/** Whether a bounce address was made for this recipient. */
export function isRecipientOf({ key, recipientHash: hash }: BounceFacts, address: string): boolean {
  return recipientHash(key, address).equals(hash);
}

/** Of an address in any case: servers report it as they like. */
function recipientHash({ secret }: FeedbackKey, address: string): Buffer {
  return macOf(secret, 'recipient', Buffer.from(address.toLowerCase())).subarray(0, hashBytes);
}

function tagOf(secret: Uint8Array, what: string, bytes: Uint8Array): Buffer {
  return macOf(secret, what, bytes).subarray(0, tagBytes);
}

function ivOf(secret: Uint8Array, text: Uint8Array): Buffer {
  return macOf(secret, 'token', text).subarray(0, ivBytes);
}

function subkey(secret: Uint8Array, what: string): Buffer {
  return macOf(secret, what, Buffer.alloc(0));
}

/** Each use has its own: what was signed as one thing is never another. */
function macOf(secret: Uint8Array, what: string, bytes: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${what}\0`).update(bytes).digest();
}

function readBase32(localPart: string, prefix: string, length: number): Buffer | undefined {
  const text = localPart.toLowerCase();
  if (!text.startsWith(prefix) || text.length !== prefix.length + Math.ceil((length * 8) / 5)) {
    return undefined;
  }
  const bytes = base32Bytes(text.slice(prefix.length));
  // A last character with spare bits has other spellings; only ours is read.
  return base32Text(bytes) === text.slice(prefix.length) ? bytes : undefined;
}
