/**
 * What comes back for mail that left, joined: the suppression list, who is asked of it, and the event stream.
 *
 * Runs in:   main thread.
 * Limits:    the list is swept every `sweepMs`, `sweptMax` entries at a time.
 */

import type { Answer, Ask } from '../actors/ask.ts';
import { feedbackAsks, type TellFeedback } from '../actors/asks/feedback-asks.ts';
import type { Reception } from '../actors/asks/reception.ts';
import type { Runtime } from '../actors/runtime.ts';
import { openLmdbSuppressions, suppressionsFolder } from '../adapters/lmdb/suppressions.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { Log } from '../base/log.ts';
import { TenantWords } from '../base/tenant-words.ts';
import { minuteMs } from '../base/units.ts';
import { FeedbackTeller } from '../edge/feedback/teller.ts';
import { SuppressionGuard } from '../edge/guard/suppression-guard.ts';
import type { SuppressionList } from '../ports/suppressions.ts';

const sweepMs = minuteMs;
const sweptMax = 1_000;
const tellMsMax = minuteMs;

export interface Feedback {
  readonly list: SuppressionList;
  readonly guard: SuppressionGuard;
  readonly teller: FeedbackTeller;
  close(): Promise<void>;
}

/** Opened before the engine's threads, which read it. */
export function openSuppressions(
  folder: string,
  words: SharedArrayBuffer,
  closers: (() => Promise<void>)[],
): SuppressionList {
  const tenants = new TenantWords(words);
  const path = suppressionsFolder(folder);
  const list = openLmdbSuppressions(path, (tenant, has) => tenants.note(tenant, has));
  closers.push(() => list.close());
  return list;
}

/** The engine runs. */
export function startFeedback(
  list: SuppressionList,
  runtime: Runtime,
  reception: Reception,
  log: Log,
): Feedback {
  const teller = new FeedbackTeller({ list, clock: nodeClock, tell: (meta) => ask(runtime, meta) });
  const guard = new SuppressionGuard({
    list,
    clock: nodeClock,
    nextId: () => reception.nextId(),
    tell: (event) => teller.note(event),
  });
  let isClosed = false;
  const sweepAgain = (delayMs: number) => nodeClock.setTimer(delayMs, () => void sweep());
  let timer = sweepAgain(sweepMs);
  const sweep = async () => {
    let swept = 0;
    try {
      swept = await list.sweep(nodeClock.nowMs(), sweptMax);
    } catch (error) {
      log.error({ error: String(error) }, 'suppressions that ran out were not removed');
    }
    if (!isClosed) timer = sweepAgain(swept === sweptMax ? 0 : sweepMs);
  };
  void teller.drain();
  return {
    list,
    guard,
    teller,
    async close() {
      isClosed = true;
      timer.cancel();
      await teller.close();
    },
  };
}

function ask(runtime: Runtime, meta: TellFeedback): Promise<Answer> {
  const request: Ask = {
    shard: runtime.spoolShard(),
    actor: 'feedback',
    name: feedbackAsks.tell,
    key: '',
    class: 'short',
    lane: 'normal',
    deadlineMs: nodeClock.nowMs() + tellMsMax,
    meta,
    body: [],
  };
  return runtime.router.ask(request);
}
