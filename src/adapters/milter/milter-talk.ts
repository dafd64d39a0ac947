/**
 * Asks a milter about a message, as an MTA asks it about a transaction: by the conversation of the message's session
 * where there is one, else by one of its own.
 *
 * Runs in:   engine threads.
 * Limits:    one connection a session, or a message: `QUIT_NC`, which would keep it for another, leaves opendkim silent
 *            on the next one.
 *            An answer has `packetBytesMax` at most.
 */

import type { CarriedScans, ClaimedConversation } from '../../ports/carried-scans.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ScanSubject } from '../../ports/content-scanner.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTalk, ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import { CarriedLine } from './carried-line.ts';
import { inAddresses } from './milter-carried.ts';
import { type MilterFound, MilterSession } from './milter-session.ts';
import { packetBytesMax } from './milter-words.ts';

/** Of all packets of a message; what a new body may have, the session knows. */
const answersBytesMax = 1_024 * packetBytesMax;

export class MilterTalk implements ScanTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;
  readonly #carried: CarriedScans | undefined;

  /** `carried`: where conversations of sessions are; undefined: there are none. */
  constructor(place: ScanPlace, clock: Clock, carried?: CarriedScans) {
    this.#place = place;
    this.#clock = clock;
    this.#carried = carried;
  }

  async scan(subject: ScanSubject, time: ScanTime): Promise<MilterFound> {
    const claimed = await this.#claim(subject, time);
    if (claimed === undefined) return await this.#with(time, (session) => session.judge(subject));
    return claimed.known.isAccepted ? { kind: 'clean' } : await this.#on(claimed, subject, time);
  }

  check(time: ScanTime): Promise<string> {
    return this.#with(time, async ({ version }) => `milter version ${version}`);
  }

  async close(): Promise<void> {}

  async #claim({ carriedId }: ScanSubject, { endMs }: ScanTime) {
    if (carriedId === undefined) return undefined;
    return await this.#carried?.claim(carriedId, Math.max(0, endMs - this.#clock.monotonicMs()));
  }

  async #on(
    claimed: ClaimedConversation,
    subject: ScanSubject,
    time: ScanTime,
  ): Promise<MilterFound> {
    const { known } = claimed;
    const line = new CarriedLine(claimed, time, this.#clock, answersBytesMax);
    try {
      const found = await MilterSession.resume(line, known.agreed).judge(subject, known);
      // The session may go on the moment its message is answered, and asks by the same conversation.
      await line.release(true);
      return inAddresses(found, known);
    } catch (error) {
      await line.release(false);
      throw error;
    }
  }

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
