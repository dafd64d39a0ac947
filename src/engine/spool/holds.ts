/**
 * What operators' rules hold back, on this thread: asked at each attempt, for what waits and what is still to come.
 *
 * Runs in:   engine threads.
 * Limits:    as many rules as there may be (`ports/hold-rule.ts`), each looked at; `releaseCount` messages a
 *            `releasePauseMs` leave when one ends.
 * Invariant: what a rule holds waits under the rule's own name in the index (`ready-reader.ts`): it costs nothing while
 *            it waits, and is found by that name when the rule ends, and by a probe after a restart.
 */

import { Buffer } from 'node:buffer';
import { minuteMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../ports/clock.ts';
import type { HoldFilter, HoldRule } from '../../ports/hold-rule.ts';
import type { SpoolMessage, SpoolRecipient } from './message.ts';
import { groupOf } from './ready-reader.ts';

const releaseCount = 500;
const releasePauseMs = 50;
/** The wall clock may be set meanwhile. */
const lookMsMax = minuteMs;

export interface HoldsParts {
  readonly clock: Clock;
  /** Hands out at most so many of those that wait under a name. False: none did. */
  readonly release: (name: string, count: number) => boolean;
}

export class Holds {
  readonly #parts: HoldsParts;
  #rules: readonly HoldRule[] = [];
  #ending: Timer | undefined;
  /** As ready rows name them. */
  #groups: ReadonlySet<string> = new Set();

  constructor(parts: HoldsParts) {
    this.#parts = parts;
  }

  /** By far the most servers have none. */
  get isNone(): boolean {
    return this.#rules.length === 0;
  }

  set(rules: readonly HoldRule[]): void {
    const before = this.#rules;
    this.#rules = rules;
    this.#groups = new Set(rules.map((rule) => groupOf(holdName(rule)).toString('latin1')));
    for (const rule of before) {
      if (!rules.some(({ id }) => id === rule.id)) this.#release(holdName(rule));
    }
    this.#awaitEnd();
  }

  /** The first rule that holds a recipient's copy. */
  ruleOf(message: SpoolMessage, recipient: SpoolRecipient): HoldRule | undefined {
    if (this.isNone) return undefined;
    const nowMs = this.#parts.clock.nowMs();
    return this.#rules.find(
      (rule) => !isOver(rule, nowMs) && isHeldBy(rule.filter, message, recipient),
    );
  }

  /** Whether one holds a recipient that an attempt has in hand. */
  holdsOpen(message: SpoolMessage): boolean {
    if (this.isNone) return false;
    return message.recipients.some(
      (each) => each.isOpen && this.ruleOf(message, each) !== undefined,
    );
  }

  /** Whether what waits under this name waits for a rule's end. */
  isGroup(group: Uint8Array): boolean {
    return !this.isNone && this.#groups.has(Buffer.from(group).toString('latin1'));
  }

  /** The first that ends by itself. */
  #awaitEnd(): void {
    this.#ending?.cancel();
    const ends = this.#rules.map(({ untilMs }) => untilMs).filter((untilMs) => untilMs > 0);
    if (ends.length === 0) return;
    const { clock } = this.#parts;
    const waitMs = Math.max(0, Math.min(...ends) - clock.nowMs());
    this.#ending = clock.setTimer(Math.min(waitMs, lookMsMax), () => {
      const nowMs = clock.nowMs();
      this.set(this.#rules.filter((rule) => !isOver(rule, nowMs)));
    });
  }

  #release(name: string): void {
    this.#parts.clock.setTimer(releasePauseMs, () => {
      if (this.#parts.release(name, releaseCount)) this.#release(name);
    });
  }
}

export function holdName({ id }: HoldRule): string {
  return `hold rule ${id}`;
}

function isOver({ untilMs }: HoldRule, nowMs: number): boolean {
  return untilMs > 0 && untilMs <= nowMs;
}

function isHeldBy(filter: HoldFilter, message: SpoolMessage, { address }: SpoolRecipient): boolean {
  const { tenant, campaign, sender, domain, recipient } = filter;
  if (tenant !== undefined && message.tenant !== tenant.id) return false;
  if (campaign !== undefined && (message.terms?.campaign ?? '') !== campaign) return false;
  if (sender !== undefined && message.sender !== sender) return false;
  if (domain !== undefined && !address.toLowerCase().endsWith(`@${domain}`)) return false;
  return recipient === undefined || address.toLowerCase() === recipient;
}
