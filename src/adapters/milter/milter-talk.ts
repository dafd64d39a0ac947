/**
 * Asks a milter about a message, as an MTA asks it about a transaction.
 *
 * Runs in:   engine threads.
 * Limits:    `keptMax` connections wait for another message, `idleMsMax` each; answers up to `packetBytesMax` each.
 * Invariant: a connection is kept only behind a whole verdict. Where a kept one fails, but for the time, a new one is
 *            tried, once: it may have ended while nobody looked.
 */

import type { Clock, Timer } from '../../ports/clock.ts';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { scanErrorOf } from '../scanning/scan-error.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import { type MilterFound, MilterSession } from './milter-session.ts';
import { packetBytesMax } from './milter-words.ts';

const idleMsMax = 20_000;
/** A replaced body comes in one answer; what it may have, the session knows. */
const answersBytesMax = 256 * packetBytesMax;

interface Kept {
  readonly session: MilterSession;
  readonly timer: Timer;
}

export class MilterTalk implements ScanTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;
  readonly #keptMax: number;
  readonly #kept: Kept[] = [];

  constructor(place: ScanPlace, clock: Clock, keptMax: number) {
    this.#place = place;
    this.#clock = clock;
    this.#keptMax = keptMax;
  }

  async scan(subject: ScanSubject, time: ScanTime): Promise<MilterFound> {
    const kept = this.#take();
    if (kept !== undefined) {
      kept.line.useUntil(time.endMs, this.#clock);
      try {
        return await this.#judge(kept, subject, time);
      } catch (error) {
        const isOver = time.signal.aborted || this.#clock.monotonicMs() >= time.endMs;
        if (isOver || scanErrorOf(error).fault === 'timed-out') throw error;
      }
    }
    return await this.#judge(await this.#open(time), subject, time);
  }

  async check(time: ScanTime): Promise<string> {
    const session = await this.#open(time);
    await session.quit();
    session.line.end(this.#clock);
    return `milter version ${session.version}`;
  }

  async close(): Promise<void> {
    for (const { session, timer } of this.#kept.splice(0)) {
      timer.cancel();
      session.line.destroy();
    }
  }

  async #open(time: ScanTime): Promise<MilterSession> {
    const limits = { answerBytesMax: packetBytesMax, answersBytesMax };
    const line = await ScanLine.open(this.#place, time, this.#clock, limits);
    try {
      return await MilterSession.begin(line);
    } catch (error) {
      line.destroy();
      throw error;
    }
  }

  async #judge(
    session: MilterSession,
    subject: ScanSubject,
    { signal }: ScanTime,
  ): Promise<MilterFound> {
    try {
      const found = await session.judge(subject);
      if (this.#kept.length < this.#keptMax && !signal.aborted && (await session.next()))
        this.#keep(session);
      else {
        await session.quit();
        session.line.end(this.#clock);
      }
      return found;
    } catch (error) {
      session.line.destroy();
      throw error;
    }
  }

  #take(): MilterSession | undefined {
    for (;;) {
      const kept = this.#kept.pop();
      kept?.timer.cancel();
      if (kept === undefined || kept.session.line.isUsable) return kept?.session;
      kept.session.line.destroy();
    }
  }

  #keep(session: MilterSession): void {
    const drop = () => {
      const at = this.#kept.findIndex((kept) => kept.session === session);
      if (at >= 0) this.#kept.splice(at, 1);
      session.line.end(this.#clock);
    };
    session.line.useUntil(this.#clock.monotonicMs() + 2 * idleMsMax, this.#clock);
    this.#kept.push({ session, timer: this.#clock.setTimer(idleMsMax, drop) });
  }
}
