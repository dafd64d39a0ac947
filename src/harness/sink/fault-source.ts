/**
 * Decides how a sink treats its clients, step by step, from a model, a clock and a seeded source of chance.
 *
 * Runs in:   sink; pure (chance and time are arguments).
 * Specs:     RFC 5321 §4.2 (replies).
 * Limits:    those of `fault-conditions.ts`.
 * Invariant: the same model and seed answer the same row of steps at the same instants alike.
 */

import { Buffer } from 'node:buffer';
import { byteLength } from '../../base/bytes.ts';
import { networkOf } from '../../base/networks.ts';
import { secondMs } from '../../base/units.ts';
import type { Random } from '../../ports/random.ts';
import { ConditionSet, type Step } from './fault-conditions.ts';
import type { FaultPoint, FaultRule, SinkModel, TlsFault } from './model.ts';
import { fillReply } from './replies.ts';
import { Reputation } from './reputation.ts';

export interface Fault {
  readonly reply: string | undefined;
  readonly delayMs: number;
  readonly drop: 'reset' | 'close' | undefined;
  readonly afterBytes: number;
  readonly readBytesPerSecond: number | undefined;
  readonly tls: TlsFault | undefined;
}

interface Trial {
  readonly rule: FaultRule;
  readonly conditions: ConditionSet;
}

export class FaultSource {
  readonly model: SinkModel;
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #trials = new Map<FaultPoint, Trial[]>();
  readonly #reputation: Reputation | undefined;
  #visits = 0;

  constructor(model: SinkModel, random: Random, nowMs: () => number) {
    this.model = model;
    this.#random = random;
    this.#nowMs = nowMs;
    // Drawn only where it is needed: older seeds of plain rules go on to play the same faults.
    const needsSalt = model.rules.some((rule) => rule.recipientShare !== undefined);
    const salt = needsSalt ? Buffer.from(random.bytes(8)).toString('hex') : '';
    this.#reputation =
      model.reputation === undefined ? undefined : new Reputation(model.reputation, random);
    for (const rule of model.rules) {
      const trials = this.#trials.get(rule.at) ?? [];
      const conditions = new ConditionSet(rule, { random, salt, reputation: this.#reputation });
      trials.push({ rule, conditions });
      this.#trials.set(rule.at, trials);
    }
  }

  /** A client has connected from `address`. */
  visit(address = ''): Visit {
    return new Visit(this, address, this.#visits++);
  }

  /** The fault that strikes at this step of a visit, if any. */
  strike(
    at: FaultPoint,
    visit: Visit,
    sender: string,
    recipient: string,
    bytes: number,
  ): Fault | undefined {
    const trials = this.#trials.get(at);
    if (trials === undefined) return undefined;
    const step: Step = { visit, sender, recipient, bytes, nowMs: this.#nowMs() };
    let delayMs = 0;
    let readBytesPerSecond: number | undefined;
    let isStruck = false;
    for (const { rule, conditions } of trials) {
      if (!conditions.hold(step)) continue;
      isStruck = true;
      delayMs += rule.delayMs ?? 0;
      if (rule.tarpit !== undefined) {
        const { perRefusalMs, delayMsMax } = rule.tarpit;
        delayMs += Math.min(delayMsMax, perRefusalMs * visit.refusals);
      }
      readBytesPerSecond = rule.readBytesPerSecond ?? readBytesPerSecond;
      const event = rule.counts ?? (rule.limit === undefined ? undefined : 'limited');
      if (event !== undefined) this.#reputation?.note(event, visit.network, step.nowMs);
      if (rule.reply === undefined && rule.drop === undefined && rule.tls === undefined) continue;
      if (rule.reply !== undefined) visit.refusals++;
      return {
        reply: rule.reply === undefined ? undefined : this.fill(rule.reply, step),
        delayMs,
        drop: rule.drop,
        afterBytes: rule.afterBytes ?? 0,
        readBytesPerSecond,
        tls: rule.tls,
      };
    }
    if (!isStruck) return undefined;
    return {
      ...{ reply: undefined, delayMs, readBytesPerSecond, drop: undefined, afterBytes: 0 },
      tls: undefined,
    };
  }

  /** Whether it has anything to decide. */
  get isWatching(): boolean {
    return this.#trials.size > 0 || this.model.accepted !== undefined;
  }

  /** A message was taken for these recipients: it counts for quotas and reputation. */
  taken(visit: Visit, sender: string, recipients: readonly string[], bytes: number): void {
    const nowMs = this.#nowMs();
    for (const recipient of recipients) {
      this.#reputation?.taken(visit.network, recipient, nowMs);
      const step: Step = { visit, sender, recipient, bytes, nowMs };
      for (const trials of this.#trials.values()) {
        for (const { conditions } of trials) conditions.taken(step);
      }
    }
  }

  left(visit: Visit): void {
    for (const trials of this.#trials.values()) {
      for (const { conditions } of trials) conditions.left(visit);
    }
  }

  /** Puts what is known in the place of `{address}`, `{sender}`, `{recipient}`, `{id}`, `{second}`. */
  fill(text: string, step: Pick<Step, 'visit' | 'sender' | 'recipient'>): string {
    return fillReply(text, (name) => {
      switch (name) {
        case 'id':
          return Buffer.from(this.#random.bytes(8)).toString('hex');
        case 'second':
          return String(Math.floor(this.#nowMs() / secondMs));
        case 'address':
          return step.visit.address;
        case 'sender':
          return step.sender;
        default:
          return step.recipient;
      }
    });
  }
}

/** One connection, as its fault source remembers it. */
export class Visit {
  readonly address: string;
  readonly network: string;
  /** Which of its source's visits this is. */
  readonly number: number;
  /** Steps that were refused so far. */
  refusals = 0;
  readonly #source: FaultSource;
  #isOver = false;

  constructor(source: FaultSource, address: string, number: number) {
    this.#source = source;
    this.number = number;
    this.address = address;
    this.network = networkOf(address);
  }

  get isWatched(): boolean {
    return this.#source.isWatching;
  }

  /** The fault that strikes at this step, if any. */
  strike(at: FaultPoint, sender = '', recipient = '', bytes = 0): Fault | undefined {
    return this.#source.strike(at, this, sender, recipient, bytes);
  }

  /** What a model says in place of the plain greeting; a name and a protocol go before it. */
  greeting(plain: string): string {
    const { greeting } = this.#source.model;
    if (greeting === undefined) return plain;
    return this.#source.fill(greeting, { visit: this, sender: '', recipient: '' });
  }

  accepted(plain: string, sender: string, recipient: string): string {
    const { accepted } = this.#source.model;
    if (accepted === undefined) return plain;
    return this.#source.fill(accepted, { visit: this, sender, recipient });
  }

  /** A message was taken for these recipients. */
  taken(sender: string, recipients: readonly string[], parts: readonly Uint8Array[]): void {
    this.#source.taken(this, sender, recipients, byteLength(parts));
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source.left(this);
  }
}
