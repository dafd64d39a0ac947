/**
 * One batch under way: makes its messages, a few at a time, and keeps what became of each.
 *
 * Runs in:   main thread.
 * Limits:    `atOnce` messages under way; `makingMsMax` after its acceptance it ends, whatever is left of it: later its
 *            idempotency keys are forgotten, and what a kill repeats would be sent twice.
 * Invariant: a message that may be taken later is tried again until then; any other refusal is its end. A key that was
 *            revoked makes no more.
 */

import type { ErrorCode } from '../../base/errors.ts';
import { failureOf, MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import { hourMs, minuteMs, secondMs } from '../../base/units.ts';
import type { BatchFailure, Generate, Generation } from '../../edge/protocols/http/api/batches.ts';
import type { MessageGiven } from '../../edge/protocols/http/api/draft.ts';
import { ApiFault } from '../../edge/protocols/http/api/fault.ts';
import type { ApiKey } from '../../ports/account-directory.ts';
import type { BatchHead } from './batch-rows.ts';
import type { BatchesParts } from './batches.ts';

export const atOnce = 8;
export const makingMsMax = 20 * hourMs;
const waitMsMin = secondMs;
const waitMsMax = minuteMs;
/** Of what should not happen, in a row. */
const unknownMax = 10;

/** What is over by itself, sooner or later. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['store-busy', 'store-failed', 'store-read-only', 'disk-full', 'draining'] as const),
  ...(['deadline-passed', 'tenant-over-quota', 'rate-exceeded', 'not-possible-now'] as const),
  'send-rate-exceeded',
]);

export interface MakeParts extends Pick<BatchesParts, 'clock' | 'log' | 'keyOf'> {
  readonly generate: Generate;
  readonly given: () => MessageGiven;
  readonly isClosed: () => boolean;
  readonly pause: (ms: number) => Promise<void>;
}

export class BatchRun {
  readonly id: string;
  readonly tenant: TenantId;
  readonly bytes: number;
  readonly idempotencyKey: string | undefined;
  /** Once it is on disk. */
  kept: Promise<void> = Promise.resolve();
  isKept: boolean;
  isRunning = false;
  readonly ended = Promise.withResolvers<void>();
  readonly #head: BatchHead;
  readonly #ids: (string | null)[];
  readonly #failures: BatchFailure[];
  #fault = '';
  #isStopped = false;
  #isThrough = false;

  /** `isKept`: it was read from disk. */
  constructor(head: BatchHead, isKept = false) {
    const { id, tenant, bytes, idempotencyKey, ids, failures } = head;
    this.id = id;
    this.tenant = tenant;
    this.bytes = bytes;
    this.idempotencyKey = idempotencyKey;
    this.isKept = isKept;
    this.#head = head;
    this.#ids = [...ids];
    this.#failures = [...failures];
  }

  /** As it stands now. */
  head(): BatchHead {
    return {
      ...this.#head,
      ids: [...this.#ids],
      failures: [...this.#failures],
      fault: this.#fault,
    };
  }

  /** Only where it is over. */
  endedAt(endedMs: number): BatchHead {
    const state = this.#fault !== '' ? 'failed' : this.#isThrough ? 'done' : 'stopped';
    return { ...this.head(), state, endedMs };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Nothing more is made of it. */
  get isOver(): boolean {
    return this.#isStopped || this.#isThrough || this.#fault !== '';
  }

  /** Until it is over, or the server closes. */
  async make(parts: MakeParts): Promise<void> {
    const generation = await this.#generation(parts);
    if (generation === undefined) return;
    const failed = new Set(this.#failures.map(({ index }) => index));
    const left = [...this.#ids.keys()]
      .filter((index) => this.#ids[index] === null && !failed.has(index))
      .values();
    const work = async () => {
      for (const index of left) {
        await this.#take(parts, generation, index);
        if (this.isOver || parts.isClosed()) return;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    this.#isThrough = !this.isOver && !parts.isClosed();
  }

  async #generation({ generate, given, keyOf, log }: MakeParts): Promise<Generation | undefined> {
    const { id, peer, pool, idempotencyKey } = this.#head;
    try {
      const key = await this.#key(keyOf);
      if (key === undefined) return undefined;
      const asker = { key, peer, pool };
      return await generate({ id, asker, given: given(), idempotencyKey });
    } catch (error) {
      if (!(error instanceof ApiFault)) log.error({ error, id }, 'a batch could not be read');
      this.#fault = error instanceof ApiFault ? error.message : 'it could not be read';
      return undefined;
    }
  }

  async #key(keyOf: MakeParts['keyOf']): Promise<ApiKey | undefined> {
    const key = await keyOf(this.#head.key);
    if (key?.scopes.includes('send') === true) return key;
    this.#fault = 'its API key is there no more';
    return undefined;
  }

  async #take(parts: MakeParts, generation: Generation, index: number): Promise<void> {
    const { clock, keyOf, pause, isClosed } = parts;
    for (let unknown = 0; !this.isOver && !isClosed(); ) {
      if (clock.nowMs() - this.#head.acceptedMs > makingMsMax) {
        this.#fault = 'its messages were not made in time';
        return;
      }
      try {
        if ((await this.#key(keyOf)) === undefined) return;
        this.#ids[index] = await generation.take(index);
        return;
      } catch (error) {
        const fault = faultOf(error);
        if (!(error instanceof ApiFault)) {
          parts.log.error({ error, id: this.id, index }, 'a message of a batch was not made');
          unknown++;
        }
        if (!passing.has(fault.code) || unknown >= unknownMax) {
          this.#failures.push({ index, code: fault.code, message: fault.message });
          return;
        }
        const waitMs = fault.retryAfterSeconds * secondMs;
        await pause(Math.min(waitMsMax, Math.max(waitMsMin, waitMs)));
      }
    }
  }
}

function faultOf(error: unknown): ApiFault {
  if (error instanceof ApiFault) return error;
  if (error instanceof MailError) return new ApiFault(error.code, error.code.replaceAll('-', ' '));
  return new ApiFault(failureOf(error).code, 'internal error');
}
