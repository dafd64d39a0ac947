/**
 * Asks every thread now and then whether it is there, and says which ones have not answered for long.
 *
 * Runs in:   main thread.
 * Limits:    one question a thread under way, one look in `lookMs`.
 * Invariant: silence is counted by looks of this thread: a machine that slept, or a main thread that stood still,
 *            does not make the others look hung.
 */

import type { Log } from '../base/log.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Answer, Ask } from './ask.ts';
import { noShard, systemAsk, threadHello } from './asks/system.ts';

export interface WatchdogLimits {
  /** A thread that did not answer for so long is reported. */
  readonly silenceMsMax: number;
  /** One silent for so long is given up, by `onHung`; 0: never. */
  readonly endMsMax: number;
}

const watchdogLimitsDefault: WatchdogLimits = {
  silenceMsMax: 10_000,
  endMsMax: 120_000,
};

const lookMs = 1_000;

interface Watched {
  isAsked: boolean;
  silentMs: number;
  /** Changes with each question: the answer to one of an earlier life says nothing. */
  question: number;
}

export interface WatchdogOptions {
  readonly threads: number;
  readonly isReady: (thread: number) => boolean;
  readonly askThread: (thread: number, ask: Ask) => Promise<Answer>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<WatchdogLimits> | undefined;
  /** Once, for the first thread that is given up. */
  readonly onHung?: ((thread: number) => void) | undefined;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #limits: WatchdogLimits;
  readonly #threads: Watched[];
  #timer: Timer | undefined;
  #lookedMs = 0;
  #hasGivenUp = false;
  /** How often a thread fell silent, since the start. */
  silenceCount = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#limits = { ...watchdogLimitsDefault, ...options.limits };
    this.#threads = Array.from({ length: options.threads }, () => ({
      isAsked: false,
      silentMs: 0,
      question: 0,
    }));
  }

  start(): void {
    this.#lookedMs = this.#options.clock.monotonicMs();
    this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  isSilent(thread: number): boolean {
    return this.#threads[thread]!.silentMs >= this.#limits.silenceMsMax;
  }

  silentThreads(): number[] {
    return this.#threads.map((_, thread) => thread).filter((thread) => this.isSilent(thread));
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(lookMs, () => {
      this.#lookLater();
      this.#look();
    });
  }

  #look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    // Answers that came while this thread stood still are read only after this timer.
    const passedMs = Math.min(nowMs - this.#lookedMs, 2 * lookMs);
    this.#lookedMs = nowMs;
    for (let thread = 0; thread < this.#threads.length; thread++) {
      const watched = this.#threads[thread]!;
      if (!this.#options.isReady(thread)) this.#answered(watched, thread, 'is gone');
      else if (watched.isAsked) this.#count(watched, thread, passedMs);
      else void this.#ask(watched, thread);
    }
  }

  async #ask(watched: Watched, thread: number): Promise<void> {
    watched.isAsked = true;
    const question = ++watched.question;
    // A thread that knows no such question has answered it, too.
    await this.#options.askThread(thread, systemAsk(threadHello, noShard));
    if (watched.question === question) this.#answered(watched, thread, 'answers again');
  }

  #answered(watched: Watched, thread: number, what: string): void {
    if (this.isSilent(thread)) {
      const { silentMs } = watched;
      this.#options.log.warn({ thread, silentMs }, `an engine thread that was silent ${what}`);
    }
    watched.isAsked = false;
    watched.silentMs = 0;
    watched.question++;
  }

  #count(watched: Watched, thread: number, passedMs: number): void {
    const { log, onHung } = this.#options;
    const { endMsMax } = this.#limits;
    const wasSilent = this.isSilent(thread);
    watched.silentMs += passedMs;
    if (!wasSilent && this.isSilent(thread)) {
      this.silenceCount++;
      log.error({ thread, silentMs: watched.silentMs }, 'an engine thread does not answer');
    }
    if (endMsMax === 0 || watched.silentMs < endMsMax || this.#hasGivenUp) return;
    this.#hasGivenUp = true;
    log.error({ thread, silentMs: watched.silentMs }, 'an engine thread hangs: the process ends');
    onHung?.(thread);
  }
}
