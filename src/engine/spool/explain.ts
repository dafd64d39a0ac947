/**
 * Says what holds a queued message back, recipient by recipient.
 *
 * Runs in: engine threads.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../actors/ask.ts';
import {
  explainAsks,
  type MessageReasons,
  type RecipientReason,
  type SiteFacts,
  type SitesAnswer,
} from '../../actors/asks/explain-asks.ts';
import { isAbout } from '../../actors/asks/shaping-asks.ts';
import { domainOf } from '../../base/address-parts.ts';
import { failure } from '../../base/errors.ts';
import type { MessageId } from '../../base/ids.ts';
import { classOfLine, type ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HoldRule } from '../../ports/hold-rule.ts';
import { planSentWords } from '../delivery/sources/chooser.ts';
import type { Holds } from './holds.ts';
import { releasedMs, type SpoolMessage, type SpoolRecipient } from './message.ts';

export interface ExplainParts {
  readonly find: (ask: ArrivedAsk, id: MessageId) => SpoolMessage | undefined;
  /** Sites of this thread that a domain or a name stands for. */
  readonly sites: (name: string) => readonly SiteFacts[];
  readonly holds: Holds;
  /** Names this thread's life. */
  readonly thread: string;
  readonly clock: Clock;
  readonly expiryMs: number;
}

/** Of reasons with waits of their own; all others have `relay.retryMsMin`. */
const retrySettings: Readonly<Partial<Record<ResponseClass, string>>> = {
  greylist: 'retry.greylistMsMin',
  rate: 'retry.rateMsMin',
  'over-quota': 'retry.overQuotaMsMin',
  block: 'retry.blockMsMin',
};

export function explainHandlers(parts: ExplainParts): Handlers {
  return {
    [explainAsks.message]: (ask): Answer => {
      const message = parts.find(ask, ask.meta as MessageId);
      if (message === undefined) return failure('not-found', String(ask.meta));
      return { ok: true, value: reasonsOf(parts, message) };
    },
    [explainAsks.sites]: (ask): Answer => {
      const sites = parts.sites(ask.meta as string);
      return { ok: true, value: { thread: parts.thread, sites } satisfies SitesAnswer };
    },
  };
}

function reasonsOf(parts: ExplainParts, message: SpoolMessage): MessageReasons {
  const { id, tenant, terms, recipients } = message;
  return {
    ...{ id, tenant },
    priority: terms?.priority ?? 0,
    campaign: terms?.campaign ?? '',
    expiresMs: releasedMs(message) + parts.expiryMs,
    recipients: recipients
      .filter(({ state }) => state === 'waiting')
      .map((recipient) => reasonOf(parts, message, recipient)),
  };
}

function reasonOf(
  { sites, clock, holds }: ExplainParts,
  message: SpoolMessage,
  recipient: SpoolRecipient,
): RecipientReason {
  const { address, attempts, reply, target } = recipient;
  const [site] = target.kind === 'remote' ? sites(domainOf(address).toLowerCase()) : [];
  const why = reply === '' ? undefined : classOfLine(reply);
  return {
    address,
    ...(ruleReason(holds.ruleOf(message, recipient), message) ??
      suspensionOf(message, recipient, site) ??
      holdOf(message, recipient, why, clock.nowMs())),
    attemptCount: attempts,
    lastReply: reply,
    ...(why === undefined ? {} : { why }),
    ...(site === undefined ? {} : { site }),
  };
}

type Hold = Pick<RecipientReason, 'reason' | 'untilMs' | 'setting' | 'rule'>;

function ruleReason(rule: HoldRule | undefined, message: SpoolMessage): Hold | undefined {
  if (rule === undefined || message.isHeld) return undefined;
  const { id, untilMs } = rule;
  return { reason: 'suspended', rule: id, ...(untilMs === 0 ? {} : { untilMs }) };
}

/** Before all else that may hold it but an operator: it would not go if its time came. */
function suspensionOf(
  { isHeld, tenant, terms }: SpoolMessage,
  { nextMs }: SpoolRecipient,
  site: SiteFacts | undefined,
): Hold | undefined {
  if (isHeld || site === undefined) return undefined;
  const mark = site.shaping.marks.find(
    (each) => each.kind === 'suspend' && isAbout(each, tenant, terms?.campaign ?? ''),
  );
  if (mark === undefined) return undefined;
  const setting = mark.by === 'operator' ? `suspension ${mark.id}` : `response rule ${mark.by}`;
  return { reason: 'path-suspended', untilMs: Math.max(mark.untilMs, nextMs), setting };
}

function holdOf(
  message: SpoolMessage,
  { isOpen, nextMs, attempts, reply }: SpoolRecipient,
  why: ResponseClass | undefined,
  nowMs: number,
): Hold {
  if (message.isHeld) return { reason: 'held' };
  if (isOpen) return { reason: 'site-queue', setting: 'relay.connectionsPerSiteMax' };
  if (message.readyGroup !== undefined) return { reason: 'site-full' };
  if (nextMs <= nowMs) return { reason: 'due' };
  if (reply.includes(planSentWords)) {
    return { reason: 'warm-up', untilMs: nextMs, setting: 'relay.warmupPlan' };
  }
  if (attempts === 0 && releasedMs(message) > nowMs) {
    return { reason: 'future-release', untilMs: nextMs };
  }
  const setting = (why && retrySettings[why]) ?? 'relay.retryMsMin';
  return { reason: 'retry', untilMs: nextMs, setting };
}
