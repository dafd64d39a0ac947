/**
 * One scanner that is asked at stages of sessions: bounds, circuit breaker and policy around what its kind speaks.
 *
 * Runs in:   edge (main thread).
 * Limits:    `connectionsMax` questions at once, `waitingPerConnection` times as many waiting; `msMax` for each, waiting
 *            included; `sessionsPerConnection` times as many sessions that a scanner is told of at a time: of more
 *            the one that was quiet longest makes room, or clients that do nothing would keep others from being asked.
 * Invariant: never rejects. No session's end, and no bound of ours, opens the circuit.
 */

import type { Clock } from '../../ports/clock.ts';
import type { ScanFault } from '../../ports/content-scanner.ts';
import type {
  EndedTransaction,
  SessionStage,
  StageAnswer,
  StageFacts,
} from '../../ports/session-scanners.ts';
import type { ScannerSetting } from '../../settings/scanners.ts';
import type { CarriedOffer } from './carried-desk.ts';
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
  /** The transaction ends with a message that is to be shown by it; undefined: by another. No `ask` until `carriedBack`. */
  carry?(ended: EndedTransaction): Carried | undefined;
  /** The message was shown, or was not to be: its transaction is over. */
  carriedBack?(): void;
}

export type Carried = Pick<CarriedOffer, 'known' | 'line'>;

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
  /** The one that was asked longest ago is first. */
  readonly #held = new Set<StageConversation>();
  /** These make no room for others. */
  readonly #asking = new Set<StageConversation>();

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

  /** Undefined: it is asked about as many sessions as it is told of. */
  begin(): StageConversation | undefined {
    const { connectionsMax } = this.setting;
    if (this.#held.size >= sessionsPerConnection * connectionsMax) {
      const quiet = [...this.#held].find((one) => !this.#asking.has(one));
      if (quiet === undefined) return undefined;
      this.end(quiet);
    }
    const conversation = this.#talk.begin();
    this.#held.add(conversation);
    return conversation;
  }

  /** Not where it had to make room. */
  holds(conversation: StageConversation): boolean {
    return this.#held.has(conversation);
  }

  /** A message's thread may have it, until it is given back. */
  lend(conversation: StageConversation): void {
    this.#asking.add(conversation);
  }

  giveBack(conversation: StageConversation): void {
    this.#asking.delete(conversation);
  }

  end(conversation: StageConversation): void {
    if (this.#held.delete(conversation)) conversation.end();
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
      const decision = await this.#inTurn(conversation, stage, facts);
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

  async #inTurn(
    conversation: StageConversation,
    stage: SessionStage,
    facts: StageFacts,
  ): Promise<StageDecision> {
    if (this.#held.delete(conversation)) this.#held.add(conversation);
    this.#asking.add(conversation);
    try {
      return await this.#find(conversation, stage, facts);
    } finally {
      this.#asking.delete(conversation);
    }
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
