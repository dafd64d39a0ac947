/**
 * How a large body of an encrypted account is sealed in its file.
 *
 * Runs in:   engine threads; pure.
 * Specs:     NIST SP 800-38D §8.2.1: nonces may be fixed numbers, for the key is of this body alone.
 * Limits:    `sideSealBytes` after the file's header.
 * Invariant: a body's key comes of its account's and of 32 random bytes drawn for it: no two bodies share one.
 *
 * Layout, behind the header: account u32 · version u32 · salt 32 · tag of the rest 16 · tag of the front 16
 */

import { Buffer } from 'node:buffer';
import {
  type CipherGCM,
  createCipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { concat } from '../../../base/bytes.ts';
import { MailError } from '../../../base/errors.ts';
import { nonceBytes, openBytes, openPart, sealBytes, tagBytes } from '../vault/sealed-bytes.ts';
import type { DataKey, KeyName, Vault } from '../vault/vault.ts';

const saltBytes = 32;
const saltAt = 8;
const restTagAt = saltAt + saltBytes;
const frontTagAt = restTagAt + tagBytes;
export const sideSealBytes = frontTagAt + tagBytes;
export const sideSaltBytes = saltBytes;

const restNonce = Buffer.alloc(nonceBytes);
const frontNonce = Buffer.alloc(nonceBytes, 1);

/** Seals one body as it is written. */
export class SideSeal {
  readonly #key: KeyObject;
  readonly #context: Buffer;
  readonly #block: Buffer;
  readonly #rest: CipherGCM;

  constructor(shard: number, number: number, by: DataKey, salt: Uint8Array) {
    this.#key = bodyKey(by, salt);
    this.#context = contextOf(shard, number, by);
    this.#block = Buffer.alloc(sideSealBytes);
    this.#block.writeUInt32LE(by.account, 0);
    this.#block.writeUInt32LE(by.version, 4);
    this.#block.set(salt, saltAt);
    this.#rest = createCipheriv('aes-256-gcm', this.#key, restNonce, { authTagLength: tagBytes });
    this.#rest.setAAD(this.#context);
  }

  /** The next bytes of the rest. */
  next(bytes: Uint8Array): Uint8Array {
    return this.#rest.update(bytes);
  }

  /** Bytes of the rest that `next` sealed. */
  open(from: number, bytes: Uint8Array): Uint8Array {
    return openPart(this.#key, restNonce, from, bytes);
  }

  /** The front, sealed; after the last of the rest. */
  front(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const sealed = sealBytes(this.#key, frontNonce, this.#context, parts);
    this.#block.set(sealed.tag, frontTagAt);
    this.#rest.final();
    this.#block.set(this.#rest.getAuthTag(), restTagAt);
    return sealed.parts;
  }

  /** What stands behind the file's header; after `front`. */
  get block(): Uint8Array {
    return this.#block;
  }
}

/** What opens a sealed body; made of the block behind its file's header. */
export class SideOpener {
  readonly #key: KeyObject;
  readonly #context: Buffer;
  readonly #block: Buffer;
  readonly #frontBytes: number;

  constructor(vault: Vault | undefined, shard: number, side: SideFacts, block: Buffer) {
    const by = { account: block.readUInt32LE(0), version: block.readUInt32LE(4) };
    const key = vault?.find(by) ?? 'missing';
    if (typeof key === 'string') {
      throw new MailError('store-failed', `the key of account ${by.account} is ${key}`);
    }
    this.#key = bodyKey(key, block.subarray(saltAt, restTagAt));
    this.#context = contextOf(shard, side.segment, key);
    this.#block = block;
    this.#frontBytes = side.frontBytes;
  }

  /** Undefined: it is not what was sealed. */
  whole(body: Uint8Array): Uint8Array | undefined {
    const { front: sealedFront, rest: sealedRest } = this.#split(0, body);
    const frontTag = this.#block.subarray(frontTagAt, sideSealBytes);
    const restTag = this.#block.subarray(restTagAt, frontTagAt);
    const front = openBytes(this.#key, frontNonce, this.#context, sealedFront, frontTag);
    const rest = openBytes(this.#key, restNonce, this.#context, sealedRest, restTag);
    return front === undefined || rest === undefined ? undefined : concat([front, rest]);
  }

  /** Unproven. */
  part(from: number, bytes: Uint8Array): Uint8Array {
    const { front, rest } = this.#split(from, bytes);
    const restFrom = Math.max(0, from - this.#frontBytes);
    const opened = openPart(this.#key, restNonce, restFrom, rest);
    if (front.byteLength === 0) return opened;
    return concat([openPart(this.#key, frontNonce, from, front), opened]);
  }

  #split(from: number, bytes: Uint8Array): { front: Uint8Array; rest: Uint8Array } {
    const at = Math.min(bytes.byteLength, Math.max(0, this.#frontBytes - from));
    return { front: bytes.subarray(0, at), rest: bytes.subarray(at) };
  }
}

interface SideFacts {
  readonly segment: number;
  readonly frontBytes: number;
}

function bodyKey(by: DataKey, salt: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', by.bodies).update(salt).digest());
}

function contextOf(shard: number, number: number, { account, version }: KeyName): Buffer {
  const context = Buffer.alloc(16);
  context.writeUInt32LE(shard, 0);
  context.writeUInt32LE(number, 4);
  context.writeUInt32LE(account, 8);
  context.writeUInt32LE(version, 12);
  return context;
}
