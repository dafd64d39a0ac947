/**
 * Which message a shard's thread has under its hands, kept where the death of the thread does not reach: a message that
 * ended two threads is put on hold instead of ending a third.
 *
 * Runs in:   engine threads; the memory is the process's, one region a shard.
 * Limits:    `killersMax` messages remembered a shard; a further one takes the place of the oldest. The death of the
 *            whole process forgets all.
 * Invariant: only work done in one turn is marked, so that one message at a time is.
 */

import { Buffer } from 'node:buffer';
import { inHandBytes } from '../../actors/asks/thread-data.ts';
import { assert } from '../../base/assert.ts';
import type { MessageId } from '../../base/ids.ts';

const idBytes = 16;
/** An id and a count. */
const entryBytes = idBytes + 1;
const killersMax = 16;
/** Deaths after which a message is not tried again. */
const deathCountMax = 2;

assert(inHandBytes === idBytes + killersMax * entryBytes, 'the memory fits what is kept in it');

export class InHand {
  /** First the id at hand, then the entries. */
  readonly #memory: Buffer;
  /** The entries again, for a look that costs nothing. */
  readonly #deaths = new Map<string, number>();
  #id = '';
  #blamedFor: unknown;

  constructor(memory: ArrayBufferLike, shard: number) {
    this.#memory = Buffer.from(memory as ArrayBuffer, shard * inHandBytes, inHandBytes);
    for (let at = idBytes; at < inHandBytes; at += entryBytes) {
      const count = this.#memory[at + idBytes]!;
      if (count > 0) this.#deaths.set(this.#idAt(at), count);
    }
    // The last owner died with it, without a word: for want of memory, or in native code.
    if (this.#memory[0] !== 0) this.#blame(this.#idAt(0));
    this.#memory[0] = 0;
  }

  /** Does work on a message. What it throws ends the thread, and the innermost message is to blame. */
  run(id: MessageId, work: () => void): void {
    const outer = this.#id;
    this.#set(id);
    try {
      work();
    } catch (error) {
      if (this.#blamedFor !== error) this.#blame(id);
      this.#blamedFor = error;
      throw error;
    } finally {
      this.#set(outer);
    }
  }

  isKiller(id: MessageId): boolean {
    return this.#deaths.size > 0 && (this.#deaths.get(id) ?? 0) >= deathCountMax;
  }

  /** It was put on hold, or an attempt ended well: it starts with a clean sheet. */
  acquit(id: MessageId): void {
    if (this.#deaths.size === 0 || !this.#deaths.delete(id)) return;
    this.#write();
  }

  #set(id: string): void {
    this.#id = id;
    if (id === '') this.#memory[0] = 0;
    else this.#memory.write(id, 0, idBytes, 'latin1');
  }

  #idAt(at: number): string {
    return this.#memory.toString('latin1', at, at + idBytes);
  }

  #blame(id: string): void {
    const count = (this.#deaths.get(id) ?? 0) + 1;
    this.#deaths.delete(id);
    if (this.#deaths.size === killersMax) this.#deaths.delete(this.#deaths.keys().next().value!);
    this.#deaths.set(id, count);
    this.#write();
  }

  #write(): void {
    let at = idBytes;
    this.#memory.fill(0, at);
    for (const [id, count] of this.#deaths) {
      this.#memory.write(id, at, idBytes, 'latin1');
      this.#memory[at + idBytes] = Math.min(count, 255);
      at += entryBytes;
    }
  }
}
