/**
 * `GET` and `DELETE /api/v1/batches/ID`: requests whose messages are made after the answer.
 *
 * Runs in:   edge (main thread).
 * Invariant: a batch of another tenant is not there.
 */

import type { FastifyInstance } from 'fastify';
import type { ErrorCode } from '../../../../base/errors.ts';
import { isMessageId, type MessageId, type TenantId } from '../../../../base/ids.ts';
import { idempotencyHash } from '../../../guard/idempotency.ts';
import { callerOf } from './caller.ts';
import type { MessageGiven } from './draft.ts';
import { type Asker, Drafted, type MessageRouteParts } from './drafted.ts';
import { ApiFault } from './fault.ts';
import { submit } from './submit.ts';

export const batchStates = ['generating', 'done', 'stopped', 'failed'] as const;

/** A request that was judged. */
export interface NewBatch {
  readonly asker: Asker;
  readonly given: MessageGiven;
  readonly count: number;
  readonly idempotencyKey: string | undefined;
}

/** As `batchSchema` has it. */
export interface BatchView {
  readonly id: string;
  readonly state: (typeof batchStates)[number];
  readonly count: number;
  readonly taken: number;
  readonly failed: number;
  readonly acceptedAt: string;
  readonly endedAt?: string;
  /** Why it ended before its messages did; "" where it did not. */
  readonly fault: string;
}

/** With its messages, in the order asked; null: not taken, or not yet. */
export interface WholeBatchView extends BatchView {
  readonly ids: readonly (string | null)[];
  readonly failures: readonly BatchFailure[];
}

export interface BatchFailure {
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface BatchDesk {
  /**
   * Resolves once the request is on disk: to that of the first with its idempotency key.
   * @throws ApiFault `not-possible-now` while too many wait.
   */
  begin(batch: NewBatch): Promise<{ readonly id: string }>;
  /** Newest first. */
  list(tenant: TenantId): readonly BatchView[];
  find(tenant: TenantId, id: string): WholeBatchView | undefined;
  /** Messages under way are still taken. Undefined: there is none. */
  stop(tenant: TenantId, id: string): Promise<WholeBatchView | undefined>;
}

/** A batch that was read again: its messages, to be taken in any order, each as often as is wanted. */
export interface Generation {
  readonly count: number;
  /** @throws ApiFault */
  take(index: number): Promise<MessageId>;
}

export type Generate = (
  batch: Pick<NewBatch, 'asker' | 'given' | 'idempotencyKey'> & { readonly id: string },
) => Promise<Generation>;

/** Messages that were taken before are the same again, as long as idempotency keys are kept. */
export function generateBy(parts: MessageRouteParts): Generate {
  return async ({ asker, given, idempotencyKey, id }) => {
    const drafted = await Drafted.read(parts, asker, given);
    // No client's key has such a character.
    const key = idempotencyKey ?? `\0batch ${id}`;
    return {
      count: drafted.count,
      take: async (index) =>
        await drafted.take(index, await drafted.resolve(index, false), {
          handIn: submit,
          idempotency: idempotencyHash(asker.key.tenant, key, index),
        }),
    };
  };
}

export function batchRoutes(app: FastifyInstance, batches: BatchDesk): void {
  app.get('/api/v1/batches', async (request) => {
    return { batches: batches.list(callerOf(request).key.tenant) };
  });
  app.get('/api/v1/batches/:id', async (request) => {
    return known(batches.find(callerOf(request).key.tenant, readId(request.params)));
  });
  app.delete('/api/v1/batches/:id', async (request) => {
    return known(await batches.stop(callerOf(request).key.tenant, readId(request.params)));
  });
}

function readId(params: unknown): string {
  const { id } = params as { readonly id: string };
  if (!isMessageId(id)) throw unknown();
  return id;
}

function known(found: WholeBatchView | undefined): WholeBatchView {
  if (found === undefined) throw unknown();
  return found;
}

function unknown(): ApiFault {
  return new ApiFault('not-found', 'no such batch');
}
