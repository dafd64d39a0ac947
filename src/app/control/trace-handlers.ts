/**
 * `trace`: what happened to a message or to an address's mail, out of the event logs of all shards.
 *
 * Runs in:   main thread.
 * Limits:    `shardsAtOnce` shards are asked at a time, and those that follow are only asked for what is newer than
 *            the oldest event still wanted: so at most `shardsAtOnce + 1` pages are in memory.
 */

import type { Answer } from '../../actors/ask.ts';
import type { ControlHandlers, ControlResult, TraceEvent } from '../../actors/asks/control.ts';
import {
  eventNumbers,
  eventsPerAskMax,
  type PackedEvent,
  type TracePage,
  type TraceQuery,
  traceAsks,
} from '../../actors/asks/trace-asks.ts';
import { shardId } from '../../base/ids.ts';
import type { ControlParts } from './parts.ts';
import { askShard } from './shard-asks.ts';
import { traceEventOf } from './trace-words.ts';

const askMsMax = 30_000;
const shardsAtOnce = 8;

export type TraceParts = Pick<ControlParts, 'shards' | 'clock'> & {
  readonly router: Pick<ControlParts['router'], 'ask'>;
};

export function traceHandlers(parts: TraceParts): ControlHandlers {
  return { trace: ({ of, limit }) => trace(parts, of, Math.min(limit, eventsPerAskMax)) };
}

async function trace(
  parts: TraceParts,
  of: string,
  limit: number,
): Promise<ControlResult<'trace'>> {
  const { events, ...rest } = await readEvents(parts, of, limit);
  return { events: events.map((event): TraceEvent => traceEventOf(event, of)), ...rest };
}

interface ReadEvents {
  /** The newest that fit, oldest first. */
  readonly events: readonly PackedEvent[];
  readonly isComplete: boolean;
  readonly unread: readonly { readonly shard: number; readonly reason: string }[];
}

/** `of` is a message id or an address. */
export async function readEvents(
  parts: TraceParts,
  of: string,
  limit: number,
): Promise<ReadEvents> {
  let events: PackedEvent[] = [];
  let isComplete = true;
  const unread: { readonly shard: number; readonly reason: string }[] = [];
  for (let from = 0; from < parts.shards; from += shardsAtOnce) {
    const count = Math.min(shardsAtOnce, parts.shards - from);
    const sinceMs = events.length < limit ? 0 : events[0]![1];
    const query: TraceQuery = { of, limit, sinceMs };
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) => ask(parts, from + i, query)),
    );
    for (const [i, answer] of answers.entries()) {
      if (!answer.ok) {
        unread.push({ shard: from + i, reason: answer.detail || answer.code });
        continue;
      }
      const page = answer.value as TracePage;
      isComplete &&= page.isComplete;
      events.push(...page.events);
    }
    events.sort(byInstant);
    if (events.length <= limit) continue;
    isComplete = false;
    events = events.slice(-limit);
  }
  return { events, isComplete, unread };
}

function ask(parts: TraceParts, shard: number, query: TraceQuery): Promise<Answer> {
  const { read: name } = traceAsks;
  return askShard(parts, {
    shard: shardId(shard),
    actor: 'trace',
    name,
    meta: query,
    msMax: askMsMax,
  });
}

/** Shards' clocks are one, so ties between them are few: then what leads to the other comes first. */
function byInstant(a: PackedEvent, b: PackedEvent): number {
  return a[1] - b[1] || rankOf(a) - rankOf(b);
}

function rankOf([kind]: PackedEvent): number {
  if (kind === eventNumbers.accepted) return 0;
  if (kind === eventNumbers.stored || kind === eventNumbers.refused) return 1;
  if (kind >= eventNumbers.bounce) return 4;
  return kind === eventNumbers.bounced ? 3 : 2;
}
