/**
 * What others report of a domain's mail, over some days.
 *
 * Runs in:   main thread.
 * Limits:    `sourcesToldMax` addresses are told of, those with most messages.
 */

import { setImmediate } from 'node:timers/promises';
import type { DmarcSourceCount } from '../actors/asks/dmarc-intake-asks.ts';
import { cappedSum } from '../base/capped-sum.ts';
import type { DmarcReceived, ReceivedDay } from './dmarc-received.ts';

const sourcesToldMax = 1_000;

export interface DmarcTold {
  readonly reports: number;
  readonly messages: number;
  readonly passed: number;
  readonly omittedMessages: number;
  readonly days: readonly Omit<ReceivedDay, 'reporters' | 'sourceCount'>[];
  readonly reporters: readonly { readonly domain: string; readonly messages: number }[];
  readonly sources: readonly DmarcSourceCount[];
}

/** A day of one domain a turn: this thread serves sessions. */
export async function dmarcTold(
  received: Pick<DmarcReceived, 'days' | 'sources'>,
  domain: string,
  sinceMs: number,
  isProven: boolean,
): Promise<DmarcTold> {
  const days = received.days(domain, sinceMs, isProven);
  let total = { reports: 0, messages: 0, passed: 0, omittedMessages: 0 };
  const reporters = new Map<string, number>();
  const sources = new Map<string, DmarcSourceCount>();
  for (const day of days) {
    await setImmediate();
    total = cappedSum(total, day);
    for (const [name, messages] of Object.entries(day.reporters)) {
      const sum = cappedSum({ messages }, { messages: reporters.get(name) ?? 0 });
      reporters.set(name, sum.messages);
    }
    for (const { sourceAddress, ...counts } of received.sources(day.dayMs, domain, isProven)) {
      const sum = cappedSum(counts, sources.get(sourceAddress));
      sources.set(sourceAddress, { sourceAddress, ...sum });
    }
  }
  return {
    ...total,
    days: days.map(({ reporters: _, sourceCount: __, ...day }) => day),
    reporters: Array.from(reporters, ([name, messages]) => ({ domain: name, messages })).sort(
      (a, b) => b.messages - a.messages,
    ),
    sources: [...sources.values()].sort((a, b) => b.messages - a.messages).slice(0, sourcesToldMax),
  };
}
