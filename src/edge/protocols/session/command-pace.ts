/**
 * How many commands a session runs: in one turn, for others have sessions too, and in one minute.
 *
 * Runs in:   edge (main thread); hot. Times are the listener's coarse ones.
 * Limits:    `turnCommandsMax`; `commandsPerMinuteMax` of the protocol's settings.
 */

import { minuteMs } from '../../../base/units.ts';

/** What one turn runs at most. */
const turnCommandsMax = 100;

interface PacedService {
  /** Coarse time. */
  readonly tickMs: number;
  readonly policy: {
    readonly limits: {
      /** 0: no limit. */
      readonly commandsPerMinuteMax: number;
    };
  };
}

export class CommandPace {
  readonly #service: PacedService;
  #turnLeft = turnCommandsMax;
  #minuteMs: number;
  #minuteCommands = 0;

  constructor(service: PacedService) {
    this.#service = service;
    this.#minuteMs = service.tickMs;
  }

  /** Others had their turn, or something came. */
  beginTurn(): void {
    this.#turnLeft = turnCommandsMax;
  }

  /** A command, or what else is read in its place, has its turn. */
  tookTurn(): void {
    this.#turnLeft--;
  }

  /** Commands that count for the minute. */
  ran(count = 1): void {
    this.#minuteCommands += count;
  }

  /** Others come first. */
  get isTurnOver(): boolean {
    return this.#turnLeft <= 0;
  }

  /** What comes waits for the next minute. */
  get isTooBusy(): boolean {
    const { commandsPerMinuteMax } = this.#service.policy.limits;
    return commandsPerMinuteMax > 0 && this.#minuteCommands >= commandsPerMinuteMax;
  }

  /** True: a new minute lets commands run again that had to wait. */
  sweep(nowMs: number): boolean {
    if (nowMs - this.#minuteMs < minuteMs) return false;
    const wasTooBusy = this.isTooBusy;
    this.#minuteMs = nowMs;
    this.#minuteCommands = 0;
    return wasTooBusy;
  }
}
