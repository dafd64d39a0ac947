/**
 * One large message on its way in: its beginning in memory, the rest in a file of its shard.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    the first chunk is held; what came after it is written at once.
 * Invariant: chunks are written in order; after a failure nothing more is written, and `discard` leaves no file.
 */

import { isAscii } from 'node:buffer';
import { byteLength } from '../../base/bytes.ts';
import { type Failure, failure, failureOf, MailError } from '../../base/errors.ts';
import { mebibyte } from '../../base/units.ts';
import { DiskError } from '../../ports/disk.ts';
import type { SideBody } from '../store/record.ts';
import type { BodyWriter } from '../store/side/body-writer.ts';
import { transitAccount, type Vault } from '../store/vault/vault.ts';

/** What a large body needs of its shard. */
export interface BodyStore {
  openBody(frontBytesMax: number, account: number): Promise<BodyWriter>;
  dropBody(body: SideBody): void;
  /** Absent: no account is encrypted. */
  readonly vault?: Pick<Vault, 'isEncrypted'> | undefined;
}

const sliceBytes = mebibyte / 4;

export class IncomingBody {
  readonly store: BodyStore;
  /** The first chunk: the whole header, and what of the text came with it. */
  readonly head: Uint8Array;
  touchedMs: number;
  chunkCount = 1;
  isRestAscii = true;
  readonly #writer: Promise<BodyWriter>;
  #written: Promise<unknown>;
  #failure: Failure | undefined;
  #isSealed = false;

  constructor(store: BodyStore, head: Uint8Array, frontBytesMore: number, nowMs: number) {
    this.store = store;
    this.head = head;
    this.touchedMs = nowMs;
    // Whose it becomes is not known yet.
    this.#writer = store.openBody(head.byteLength + frontBytesMore, transitAccount);
    this.#written = this.#writer.catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when these bytes and all before them were written, or could not be. */
  async append(bytes: Uint8Array): Promise<Failure | undefined> {
    const before = this.#written;
    this.#written = this.#appendAfter(before, bytes);
    await this.#written;
    return this.#failure;
  }

  /** All that was appended is written. */
  async opened(): Promise<Failure | undefined> {
    await this.#written;
    return this.#failure;
  }

  /** Bytes after the head; once all is written. */
  async restBytes(): Promise<number> {
    return (await this.#writer).restBytes;
  }

  /** The rest in slices, in order. */
  async *rest(): AsyncGenerator<Uint8Array, void> {
    const writer = await this.#writer;
    for (let at = 0; at < writer.restBytes; at += sliceBytes) {
      yield await writer.read(at, Math.min(sliceBytes, writer.restBytes - at));
    }
  }

  /** All of it, as it came. */
  async whole(): Promise<Uint8Array> {
    const writer = await this.#writer;
    const whole = Buffer.allocUnsafeSlow(this.head.byteLength + writer.restBytes);
    whole.set(this.head);
    let at = this.head.byteLength;
    for await (const slice of this.rest()) {
      whole.set(slice, at);
      at += slice.byteLength;
    }
    return whole;
  }

  /** @throws MailError when it cannot be on disk. */
  async seal(front: readonly Uint8Array[]): Promise<SideBody> {
    const writer = await this.#writer;
    if (byteLength(front) > writer.frontBytesMax) {
      throw new MailError('message-invalid', `${byteLength(front)} bytes before the rest`);
    }
    this.#isSealed = true;
    try {
      return await writer.seal(front);
    } catch (error) {
      throw mailErrorOf(error);
    }
  }

  /** Lets go of it, unless it was sealed. */
  async discard(): Promise<void> {
    if (this.#isSealed) return;
    this.#failure ??= failure('not-possible-now', 'the body was let go');
    await this.#written;
    await this.#writer.then(
      (writer) => writer.discard(),
      () => {},
    );
  }

  async #appendAfter(before: Promise<unknown>, bytes: Uint8Array): Promise<void> {
    await before;
    if (this.#failure !== undefined) return;
    try {
      if (this.isRestAscii && !isAscii(bytes)) this.isRestAscii = false;
      await (await this.#writer).append(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= failureOf(mailErrorOf(error));
  }
}

/** What the disk said, as a fact about mail. */
export function mailErrorOf(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error;
  const code = error.fault === 'no-space' ? 'disk-full' : 'store-failed';
  return new MailError(code, error.message, { cause: error });
}
