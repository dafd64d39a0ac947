/**
 * Fault models: how a sink treats its clients, decided step by step from a seeded source of chance.
 *
 * Runs in:   sink; pure (chance and time are arguments).
 * Specs:     RFC 5321 §4.2 (replies), RFC 6647 (greylisting).
 * Limits:    `greylistCountMax` pairs are remembered; the oldest is forgotten first.
 */

import type { Random } from '../../ports/random.ts';

const faultPoints = ['connect', 'ehlo', 'mail', 'rcpt', 'data', 'body', 'message'] as const;
/** Where a rule acts: before the reply to that step; `body` is the first bytes after DATA's 354. */
export type FaultPoint = (typeof faultPoints)[number];

/** Of several rules for one point, the first that strikes decides. */
export interface FaultRule {
  readonly at: FaultPoint;
  /** Chance from 0 to 1, drawn for each step. */
  readonly probability: number;
  /** A whole reply, as `451 4.3.0 Try again`; a 421 ends the session (RFC 5321 §3.8). */
  readonly reply?: string;
  /** The step's reply waits this long. */
  readonly delayMs?: number;
  /** The connection is reset. */
  readonly drop?: boolean;
  /** A pair of sender and recipient gets `reply` until this long after it was first seen. */
  readonly greylistMs?: number;
}

export interface SinkModel {
  readonly name: string;
  readonly rules: readonly FaultRule[];
}

export interface Fault {
  readonly reply: string | undefined;
  readonly delayMs: number;
  readonly drop: boolean;
}

const greylistCountMax = 100_000;
const greylisted = '451 4.7.1 Greylisted, try again later';

export const sinkModels: Readonly<Record<string, SinkModel>> = {
  fast: { name: 'fast', rules: [] },
  flaky: {
    name: 'flaky',
    rules: [
      { at: 'rcpt', probability: 0.02, reply: '451 4.3.0 Try again later' },
      { at: 'message', probability: 0.05, reply: '451 4.3.0 Try again later' },
    ],
  },
  busy: {
    name: 'busy',
    rules: [
      { at: 'connect', probability: 0.2, reply: '421 4.3.2 Too busy' },
      { at: 'mail', probability: 0.05, reply: '421 4.3.2 Too busy' },
    ],
  },
  refusing: {
    name: 'refusing',
    rules: [{ at: 'rcpt', probability: 1, reply: '550 5.1.1 No such user' }],
  },
  slow: { name: 'slow', rules: [{ at: 'message', probability: 1, delayMs: 200 }] },
  dropping: { name: 'dropping', rules: [{ at: 'body', probability: 0.1, drop: true }] },
  greylisting: {
    name: 'greylisting',
    rules: [{ at: 'rcpt', probability: 1, reply: greylisted, greylistMs: 5_000 }],
  },
};

export class FaultSource {
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #rules = new Map<FaultPoint, FaultRule[]>();
  readonly #firstSeenMs = new Map<string, number>();

  constructor(model: SinkModel, random: Random, nowMs: () => number) {
    this.#random = random;
    this.#nowMs = nowMs;
    for (const rule of model.rules) {
      const rules = this.#rules.get(rule.at) ?? [];
      rules.push(rule);
      this.#rules.set(rule.at, rules);
    }
  }

  /** The fault that strikes at this step, if any. `sender` and `recipient` are for greylists. */
  strike(at: FaultPoint, sender = '', recipient = ''): Fault | undefined {
    const rules = this.#rules.get(at);
    if (rules === undefined) return undefined;
    for (const rule of rules) {
      if (rule.probability < 1 && this.#random.fraction() >= rule.probability) continue;
      if (rule.greylistMs !== undefined && this.#isKnown(sender, recipient, rule.greylistMs))
        continue;
      return { reply: rule.reply, delayMs: rule.delayMs ?? 0, drop: rule.drop === true };
    }
    return undefined;
  }

  #isKnown(sender: string, recipient: string, greylistMs: number): boolean {
    const pair = `${sender} ${recipient}`;
    const firstMs = this.#firstSeenMs.get(pair);
    if (firstMs !== undefined) return this.#nowMs() - firstMs >= greylistMs;
    if (this.#firstSeenMs.size >= greylistCountMax) {
      for (const oldest of this.#firstSeenMs.keys()) {
        this.#firstSeenMs.delete(oldest);
        break;
      }
    }
    this.#firstSeenMs.set(pair, this.#nowMs());
    return false;
  }
}

/** Reads a model from a file's JSON; throws a sentence saying what is wrong. */
export function parseModel(text: string, name: string): SinkModel {
  const model = JSON.parse(text) as { rules?: unknown };
  if (!Array.isArray(model.rules)) throw new Error(`${name}: needs a list "rules"`);
  return {
    name,
    rules: model.rules.map((rule, index) => checkRule(rule, `${name} rule ${index}`)),
  };
}

/** `POINT=REPLY:PROBABILITY`, as `rcpt=451 4.3.0 Busy:0.1`; the probability may be left out. */
export function parseFault(text: string): FaultRule {
  const match = /^(\w+)=(.*?)(?::([\d.]+))?$/.exec(text);
  if (match === null) throw new Error(`fault must be POINT=REPLY:PROBABILITY, not "${text}"`);
  const probability = match[3] === undefined ? 1 : Number(match[3]);
  const drops = match[2] === 'drop';
  const action = drops ? { drop: true } : { reply: match[2] };
  return checkRule({ at: match[1], probability, ...action }, `fault "${text}"`);
}

function checkRule(value: unknown, what: string): FaultRule {
  const given = value as FaultRule;
  const rule = { ...given, probability: given.probability ?? 1 };
  if (!faultPoints.includes(rule.at)) {
    throw new Error(`${what}: "at" must be one of ${faultPoints.join(', ')}`);
  }
  if (!(rule.probability >= 0 && rule.probability <= 1)) {
    throw new Error(`${what}: "probability" must be from 0 to 1`);
  }
  if (rule.reply !== undefined && !/^[245]\d\d /.test(rule.reply)) {
    throw new Error(`${what}: "reply" must begin with a code and a space`);
  }
  return rule;
}
