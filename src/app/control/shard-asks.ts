/**
 * Asks of operators to a shard, whatever they are about: long ones, which mail passes.
 *
 * Runs in: main thread.
 */

import type { Answer, Ask } from '../../actors/ask.ts';
import type { Router } from '../../actors/router.ts';
import { MailError } from '../../base/errors.ts';
import type { ShardId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';

export interface OperatorAsk {
  readonly shard: ShardId;
  /** Asks of one actor keep their order. */
  readonly actor: string;
  readonly name: string;
  readonly meta: unknown;
  /** How long an answer may take; 0 is as long as it takes. */
  readonly msMax: number;
}

export function askShard(
  { router, clock }: { readonly router: Pick<Router, 'ask'>; readonly clock: Clock },
  { msMax, ...wanted }: OperatorAsk,
): Promise<Answer> {
  const request: Ask = {
    ...wanted,
    key: '',
    class: 'long',
    lane: 'normal',
    deadlineMs: msMax === 0 ? 0 : clock.nowMs() + msMax,
    body: [],
  };
  return router.ask(request);
}

/** @throws MailError as the shard answers. */
export function answered(answer: Answer): unknown {
  if (!answer.ok) throw new MailError(answer.code, answer.detail);
  return answer.value;
}
