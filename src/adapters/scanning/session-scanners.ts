/**
 * Asks all scanners that settings name for stages of sessions, one after the other.
 *
 * Runs in:   edge (main thread). Implements `ports/session-scanners.ts`.
 * Invariant: the first that refuses ends it. A scanner that failed, or whose conversation had to make room, has a new
 *            one at the next question, which tells it what it has to know of the session.
 */

import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Clock } from '../../ports/clock.ts';
import {
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
}

class OpenSessionScanners implements SessionScanners {
  readonly #scanners: readonly StageScanner[];

  constructor(scanners: readonly StageScanner[]) {
    this.#scanners = scanners;
  }

  begin(): ScannedSession {
    return new AskedSession(this.#scanners);
  }

  async close(): Promise<void> {
    await Promise.all(this.#scanners.map((scanner) => scanner.close()));
  }
}

/** Undefined where none is asked before DATA. @throws Error where a secret cannot be read. */
export function openSessionScanners(
  settings: readonly ScannerSetting[],
  { clock, metrics, log }: SessionScannerNeeds,
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
  #isAsking = false;
  #isOver = false;

  constructor(scanners: readonly StageScanner[]) {
    this.#scanners = scanners;
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
    for (const scanner of this.#conversations.keys()) this.#heldWith(scanner)?.reset();
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
    this.#conversations.delete(scanner);
    scanner.end(conversation);
  }
}
