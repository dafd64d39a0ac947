/**
 * How long a next hop may take, and how much of anything a site may hold.
 *
 * Runs in:   engine threads; pure. What operators set comes from `relay`; the rest is design.
 * Specs:     RFC 5321 §4.5.3.2 (time-outs per phase).
 */

import { mebibyte, minuteMs, secondMs } from '../../base/units.ts';
import type { Settings } from '../../settings/schema.ts';

export interface PhaseTimeouts {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly helloMs: number;
  readonly tlsMs: number;
  readonly mailMs: number;
  readonly rcptMs: number;
  /** For the reply to DATA. */
  readonly dataMs: number;
  /** For the peer to take one block of the message. */
  readonly blockMs: number;
  /** For the reply to the end of the message. */
  readonly finalMs: number;
  readonly quitMs: number;
}

export function phaseTimeouts(relay: Settings['relay']): PhaseTimeouts {
  return {
    connectMs: relay.connectMsMax,
    greetingMs: 5 * minuteMs,
    helloMs: relay.replyMsMax,
    tlsMs: minuteMs,
    mailMs: relay.replyMsMax,
    rcptMs: relay.replyMsMax,
    dataMs: relay.replyMsMax,
    blockMs: 3 * minuteMs,
    finalMs: relay.dataMsMax,
    quitMs: 5 * secondMs,
  };
}

export interface SiteLimits {
  readonly connectionsMax: number;
  /** Messages over one connection, then QUIT; the peer's LIMITS MAILMAX may lower it (RFC 9422). */
  readonly messagesPerConnectionMax: number;
  /** Recipients in one transaction: RFC 5321 §4.5.3.1.8 makes every server take 100. */
  readonly recipientsPerTransactionMax: number;
  readonly idleMsMax: number;
  readonly queueCountMax: number;
  readonly queueBytesMax: number;
  /** First wait after no host of a site could be reached; doubles up to `deadMsMax`. */
  readonly deadMsMin: number;
  readonly deadMsMax: number;
}

export function siteLimits(relay: Settings['relay']): SiteLimits {
  return {
    connectionsMax: relay.connectionsPerSiteMax,
    messagesPerConnectionMax: relay.messagesPerConnectionMax,
    recipientsPerTransactionMax: 100,
    idleMsMax: 10 * secondMs,
    queueCountMax: 2_000,
    queueBytesMax: 64 * mebibyte,
    deadMsMin: 30 * secondMs,
    deadMsMax: 10 * minuteMs,
  };
}

/** Period of the one timer that looks after all time-outs of a thread's connections. */
export const tickMs = secondMs;
/** A larger message goes in steps of this size, each with a time-out of its own. */
export const blockBytesMax = 256 * 1_024;
/** How often a message may move to another connection because the first one died before it began. */
export const movesMax = 2;
