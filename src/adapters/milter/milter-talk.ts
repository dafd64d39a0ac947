/**
 * Asks a milter about a message, as an MTA asks it about a transaction.
 *
 * Runs in:   engine threads.
 * Limits:    one connection a message: `QUIT_NC`, which would keep it for another, leaves opendkim silent on the next one.
 *            An answer has `packetBytesMax` at most.
 */

import type { Clock } from '../../ports/clock.ts';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import { type MilterFound, MilterSession } from './milter-session.ts';
import { packetBytesMax } from './milter-words.ts';

/** Of all packets of a message; what a new body may have, the session knows. */
const answersBytesMax = 1_024 * packetBytesMax;

export class MilterTalk implements ScanTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;

  constructor(place: ScanPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  scan(subject: ScanSubject, time: ScanTime): Promise<MilterFound> {
    return this.#with(time, (session) => session.judge(subject));
  }

  check(time: ScanTime): Promise<string> {
    return this.#with(time, async ({ version }) => `milter version ${version}`);
  }

  async close(): Promise<void> {}

  async #with<T>(time: ScanTime, work: (session: MilterSession) => Promise<T>): Promise<T> {
    const limits = { answerBytesMax: packetBytesMax, answersBytesMax };
    const line = await ScanLine.open(this.#place, time, this.#clock, limits);
    try {
      const session = await MilterSession.begin(line);
      const done = await work(session);
      await session.quit();
      line.end(this.#clock);
      return done;
    } catch (error) {
      line.destroy();
      throw error;
    }
  }
}
