/**
 * Asks all scanners that settings name for stages of sessions, one after the other.
 *
 * Runs in:   edge (main thread). Implements `ports/session-scanners.ts`.
 * Invariant: the first that refuses ends it. A scanner that failed, or whose conversation had to make room, has a new
 *            one at the next question, which tells it what it has to know of the session. A conversation that a message's thread
 *            speaks by is nobody else's: a session that goes on before it is back has another one.
 */

import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type EndedTransaction,
  type ScannedSession,
  type SessionScanners,
  type SessionStage,
  type StageAnswer,
  type StageFacts,
  sessionStages,
} from '../../ports/session-scanners.ts';
import type { ScannerSetting } from '../../settings/scanners.ts';
import { HookStages } from '../http-hook/hook-stages.ts';
import { MilterStages } from '../milter/milter-stages.ts';
import type { CarriedDesk } from './carried-desk.ts';
import { placeOf, secretOf } from './places.ts';
import {
  type StageConversation,
  StageScanner,
  type StageSurroundings,
  type StageTalk,
} from './stage-scanner.ts';

export interface SessionScannerNeeds {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly desk: CarriedDesk;
}

class OpenSessionScanners implements SessionScanners {
  readonly #scanners: readonly StageScanner[];
  readonly #desk: CarriedDesk;

  constructor(scanners: readonly StageScanner[], desk: CarriedDesk) {
    this.#scanners = scanners;
    this.#desk = desk;
  }

  begin(): ScannedSession {
    return new AskedSession(this.#scanners, this.#desk);
  }

  async close(): Promise<void> {
    await Promise.all(this.#scanners.map((scanner) => scanner.close()));
  }
}

/** Undefined where none is asked before DATA. @throws Error where a secret cannot be read. */
export function openSessionScanners(
  settings: readonly ScannerSetting[],
  { clock, metrics, log, desk }: SessionScannerNeeds,
): OpenSessionScanners | undefined {
  const early = settings.filter(({ stages }) => sessionStages.some((one) => stages.includes(one)));
  if (early.length === 0) return undefined;
  const answers = metrics.counters(
    'chaski_stage_scans_total',
    'Questions to scanners before DATA, by stage and answer; a failed one by why.',
    ['scanner', 'stage', 'verdict'],
  );
  const told: StageSurroundings['told'] = (scanner, stage, verdict, facts, why) => {
    answers.with({ scanner, stage, verdict }).inc();
    if (verdict === 'go-on') return;
    const { peerAddress: peer, helo, sender, recipient } = facts;
    log.info(
      { scanner, stage, verdict, peer, helo, sender, recipient, why },
      'a scanner at a stage',
    );
  };
  return new OpenSessionScanners(
    early.map((setting) => new StageScanner(setting, talkOf(setting, clock), { clock, told })),
    desk,
  );
}

function talkOf(setting: ScannerSetting, clock: Clock): StageTalk {
  if (setting.kind === 'milter') return new MilterStages(placeOf(setting), clock);
  const { address: url, connectionsMax, connectMsMax } = setting;
  return new HookStages({ url, secret: secretOf(setting), connectionsMax, connectMsMax, clock });
}

class AskedSession implements ScannedSession {
  readonly #scanners: readonly StageScanner[];
  readonly #conversations = new Map<StageScanner, StageConversation>();
  readonly #desk: CarriedDesk;
  /** Those of `#conversations` that a message's thread may have: their ids at the desk. */
  readonly #carried = new Map<StageScanner, number>();
  #isAsking = false;
  #isOver = false;

  constructor(scanners: readonly StageScanner[], desk: CarriedDesk) {
    this.#scanners = scanners;
    this.#desk = desk;
  }

  isAskedAt(stage: SessionStage, isTrusted: boolean): boolean {
    return this.#scanners.some((scanner) => scanner.isAskedAt(stage, isTrusted));
  }

  async ask(stage: SessionStage, facts: StageFacts): Promise<StageAnswer> {
    this.#isAsking = true;
    try {
      for (const scanner of this.#scanners) {
        if (this.#isOver) break;
        if (!scanner.isAskedAt(stage, facts.isTrusted)) continue;
        if (this.#carried.has(scanner) && !this.#takeBack(scanner)) this.#leave(scanner);
        const conversation = this.#heldWith(scanner) ?? scanner.begin();
        if (conversation !== undefined) this.#conversations.set(scanner, conversation);
        const { answer, isBroken } = await scanner.ask(conversation, stage, facts);
        if (isBroken) this.#drop(scanner);
        if (answer.kind === 'refused') return answer;
      }
      return { kind: 'go-on' };
    } finally {
      this.#isAsking = false;
      if (this.#isOver) this.#dropAll();
    }
  }

  reset(): void {
    // A question that is under way is about a transaction that is over: its conversation cannot be told so in turn.
    if (this.#isAsking) return;
    for (const scanner of this.#conversations.keys()) {
      if (this.#takeBack(scanner)) this.#heldWith(scanner)?.reset();
    }
  }

  carry(ended: EndedTransaction): readonly (readonly [scanner: string, id: number])[] {
    const carried: [string, number][] = [];
    for (const scanner of this.#conversations.keys()) {
      const conversation = this.#heldWith(scanner);
      if (conversation === undefined) continue;
      const { name, stages } = scanner.setting;
      const offer = stages.includes('data') ? conversation.carry?.(ended) : undefined;
      if (offer === undefined) {
        conversation.reset();
        continue;
      }
      const done = (isGood: boolean) => this.#carriedBack(scanner, conversation, isGood);
      const id = this.#desk.offer({ ...offer, done });
      this.#carried.set(scanner, id);
      scanner.lend(conversation);
      carried.push([name, id]);
    }
    return carried;
  }

  /** False: the message's thread has it. */
  #takeBack(scanner: StageScanner): boolean {
    const id = this.#carried.get(scanner);
    if (id === undefined) return true;
    if (!this.#desk.withdraw(id)) return false;
    this.#carried.delete(scanner);
    scanner.giveBack(this.#conversations.get(scanner)!);
    return true;
  }

  /** Whoever has it ends it. */
  #leave(scanner: StageScanner): void {
    this.#carried.delete(scanner);
    this.#conversations.delete(scanner);
  }

  #carriedBack(scanner: StageScanner, conversation: StageConversation, isGood: boolean): void {
    const isOurs = this.#conversations.get(scanner) === conversation;
    scanner.giveBack(conversation);
    if (isOurs && isGood) {
      this.#carried.delete(scanner);
      conversation.carriedBack?.();
      return;
    }
    if (isOurs) this.#leave(scanner);
    scanner.end(conversation);
  }

  /** A question under way has its answer first: else clients that leave would look like a scanner that fails. */
  end(): void {
    this.#isOver = true;
    if (!this.#isAsking) this.#dropAll();
  }

  /** Undefined: none, or it had to make room for another session's. */
  #heldWith(scanner: StageScanner): StageConversation | undefined {
    const conversation = this.#conversations.get(scanner);
    return conversation !== undefined && scanner.holds(conversation) ? conversation : undefined;
  }

  #dropAll(): void {
    for (const scanner of [...this.#conversations.keys()]) this.#drop(scanner);
  }

  #drop(scanner: StageScanner): void {
    const conversation = this.#conversations.get(scanner);
    if (conversation === undefined) return;
    const isOurs = this.#takeBack(scanner);
    this.#leave(scanner);
    if (isOurs) scanner.end(conversation);
  }
}
