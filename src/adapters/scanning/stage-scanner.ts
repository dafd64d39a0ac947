/**
 * One scanner that is asked at stages of sessions: bounds, circuit breaker and policy around what its kind speaks.
 *
 * Runs in:   edge (main thread).
 * Limits:    `connectionsMax` questions at once, `waitingPerConnection` times as many waiting; `msMax` for each, waiting
 *            included; `sessionsPerConnection` times as many sessions that a scanner is told of at a time.
 * Invariant: never rejects. No session's end, and no bound of ours, opens the circuit.
 */

import type { Clock } from '../../ports/clock.ts';
import type { ScanFault } from '../../ports/content-scanner.ts';
import type { SessionStage, StageAnswer, StageFacts } from '../../ports/session-scanners.ts';
import type { ScannerSetting } from '../../settings/scanners.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { isHarmless, type ScanTime, waitingPerConnection } from './guarded-scanner.ts';
import { ScanError, scanErrorOf } from './scan-error.ts';
import { Turns } from './turns.ts';
import { plainText } from './words.ts';

export const sessionsPerConnection = 16;

/** Undefined: go on. */
export type StageDecision =
  | { readonly action: 'reject' | 'defer' | 'discard'; readonly text: string }
  | undefined;

/** What one session has with one scanner. Each throws `ScanError`; after one, `end` alone is called. */
export interface StageConversation {
  ask(stage: SessionStage, facts: StageFacts, time: ScanTime): Promise<StageDecision>;
  reset(): void;
  end(): void;
}

export interface StageTalk {
  begin(): StageConversation;
  close(): Promise<void>;
}

export type StageVerdict = 'go-on' | 'reject' | 'defer' | `failed: ${ScanFault}`;

export interface StageSurroundings {
  readonly clock: Clock;
  /** Once for each question. */
  readonly told: (
    scanner: string,
    stage: SessionStage,
    verdict: StageVerdict,
    facts: StageFacts,
    why: string,
  ) => void;
}

export class StageScanner {
  readonly setting: ScannerSetting;
  readonly #talk: StageTalk;
  readonly #surroundings: StageSurroundings;
  readonly #breaker: CircuitBreaker;
  readonly #turns: Turns;
  readonly #closing = new AbortController();
  #sessions = 0;

  constructor(setting: ScannerSetting, talk: StageTalk, surroundings: StageSurroundings) {
    const { clock } = surroundings;
    this.setting = setting;
    this.#talk = talk;
    this.#surroundings = surroundings;
    this.#breaker = new CircuitBreaker(clock);
    const { connectionsMax } = setting;
    this.#turns = new Turns(clock, connectionsMax, waitingPerConnection * connectionsMax);
  }

  isAskedAt(stage: SessionStage, isTrusted: boolean): boolean {
    const { stages, when } = this.setting;
    return stages.includes(stage) && (when === 'all' || !isTrusted);
  }

  /** Undefined: it is told of enough sessions. */
  begin(): StageConversation | undefined {
    const { connectionsMax } = this.setting;
    if (this.#sessions >= sessionsPerConnection * connectionsMax) return undefined;
    this.#sessions++;
    return this.#talk.begin();
  }

  end(conversation: StageConversation): void {
    this.#sessions--;
    conversation.end();
  }

  async ask(
    conversation: StageConversation | undefined,
    stage: SessionStage,
    facts: StageFacts,
  ): Promise<{ readonly answer: StageAnswer; readonly isBroken: boolean }> {
    const { name, fail } = this.setting;
    const { told } = this.#surroundings;
    try {
      if (conversation === undefined) throw new ScanError('busy', 'it is told of enough sessions');
      const decision = await this.#find(conversation, stage, facts);
      if (decision === undefined) {
        told(name, stage, 'go-on', facts, '');
        return { answer: { kind: 'go-on' }, isBroken: false };
      }
      const { action, text } = decision;
      told(name, stage, action === 'defer' ? 'defer' : 'reject', facts, text);
      const usual = action === 'defer' ? '451 4.7.1 Not now' : '550 5.7.1 Refused';
      return { answer: { kind: 'refused', text: text || usual }, isBroken: false };
    } catch (error) {
      const { fault, message } = scanErrorOf(error);
      told(name, stage, `failed: ${fault}`, facts, plainText(message));
      const later = { kind: 'refused', text: '451 4.7.1 Cannot be checked now' } as const;
      return { answer: fail === 'closed' ? later : { kind: 'go-on' }, isBroken: true };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#turns.close();
    await this.#talk.close();
  }

  async #find(
    conversation: StageConversation,
    stage: SessionStage,
    facts: StageFacts,
  ): Promise<StageDecision> {
    const { clock } = this.#surroundings;
    const { signal } = this.#closing;
    if (signal.aborted) throw new ScanError('closed', 'it is closed');
    const endMs = clock.monotonicMs() + this.setting.msMax;
    await this.#turns.enter(this.setting.msMax);
    try {
      const ended = this.#breaker.begin();
      if (ended === undefined) throw new ScanError('circuit-open', 'it failed too often');
      const time = { endMs, connectMsMax: this.setting.connectMsMax, signal };
      try {
        const decision = await conversation.ask(stage, facts, time);
        ended(true);
        return decision;
      } catch (error) {
        ended(isHarmless(scanErrorOf(error).fault));
        throw error;
      }
    } finally {
      this.#turns.leave();
    }
  }
}
