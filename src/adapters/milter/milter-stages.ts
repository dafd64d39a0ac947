/**
 * Tells a milter of a session as it goes on, over one connection.
 *
 * Runs in:   edge (main thread).
 * Specs:     the milter protocol, version 6 (libmilter's mfdef.h).
 * Limits:    those of `ScanLine`, anew for each question; between questions the connection has no end but the session's.
 * Invariant: a milter is asked in the protocol's order: what it was not told of before, it is told of first, and what
 *            it says to that is the answer. One recipient that is refused leaves the transaction as it is; a client
 *            that is refused stays so, for it may ask again. Where a message is shown to it, another thread speaks by
 *            the same connection (`carry`), and until that is done nobody does here.
 */

import type { Clock } from '../../ports/clock.ts';
import type { EndedTransaction, SessionStage, StageFacts } from '../../ports/session-scanners.ts';
import type { ScanPlace } from '../../settings/scanners.ts';
import type { ScanTime } from '../scanning/guarded-scanner.ts';
import { ScanLine } from '../scanning/scan-line.ts';
import type {
  Carried,
  StageConversation,
  StageDecision,
  StageTalk,
} from '../scanning/stage-scanner.ts';
import type { Decision } from './milter-answers.ts';
import { connectQuestion, heloQuestion, mailQuestion, rcptQuestion } from './milter-questions.ts';
import { MilterSession } from './milter-session.ts';
import { packetBytesMax } from './milter-words.ts';

const limits = { answerBytesMax: packetBytesMax, answersBytesMax: 1_024 * packetBytesMax };

export class MilterStages implements StageTalk {
  readonly #place: ScanPlace;
  readonly #clock: Clock;

  constructor(place: ScanPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  begin(): StageConversation {
    return new MilterConversation(this.#place, this.#clock);
  }

  async close(): Promise<void> {}
}

/** How far the milter knows the session. */
interface Known {
  /** With the version of TLS it was said under. */
  helo: string;
  /** Undefined: no transaction. */
  sender: string | undefined;
  /** Of the transaction, and not refused by it. */
  recipients: Set<string>;
}

const knownNothing = (): Known => ({ helo: '', sender: undefined, recipients: new Set() });

function heloOf({ helo, tls }: Pick<StageFacts, 'helo' | 'tls'>): string {
  return `${helo} ${tls?.version ?? ''}`;
}

class MilterConversation implements StageConversation {
  readonly #place: ScanPlace;
  readonly #clock: Clock;
  #open: { readonly line: ScanLine; readonly session: MilterSession } | undefined;
  #known = knownNothing();
  /** It wants to hear no more of the session, or of the transaction. */
  #accepted: 'session' | 'transaction' | undefined;
  /** What it said of the client, who is not to be heard. */
  #refused: StageDecision;
  /** Whoever shows it a message tells it of this greeting where nobody did. */
  #carriedHelo = '';

  constructor(place: ScanPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  async ask(stage: SessionStage, facts: StageFacts, time: ScanTime): Promise<StageDecision> {
    const isInTransaction = stage === 'mail' || stage === 'rcpt';
    if (this.#refused !== undefined) return this.#refused;
    if (this.#accepted === 'session') return undefined;
    if (this.#accepted === 'transaction' && isInTransaction) return undefined;
    const isNew = this.#open === undefined || this.#open.line.isGone;
    if (isNew) await this.#connect(time);
    const { line, session } = this.#open!;
    line.allowUntil(time.endMs, this.#clock);
    if (isNew) {
      const said = await session.ask(connectQuestion(facts));
      if (said !== undefined) {
        this.#refused = this.#heed(said, 'session');
        return this.#refused;
      }
      if (stage === 'connect') return this.#heed(said, 'session');
    }
    const helo = heloOf(facts);
    if (facts.helo !== '' && this.#known.helo !== helo) {
      const said = await session.ask(heloQuestion(facts));
      if (said !== undefined) return this.#heed(said, 'session');
      this.#known.helo = helo;
    }
    if (isInTransaction && this.#known.sender === undefined) {
      const said = await session.ask(mailQuestion({ ...facts, queueId: '' }));
      this.#known.sender = facts.sender;
      if (said !== undefined) {
        this.reset();
        return this.#heed(said, 'transaction');
      }
    }
    const said =
      stage === 'rcpt' ? await session.ask(rcptQuestion(facts.recipient, '')) : undefined;
    const decision = this.#heed(said, 'transaction');
    if (stage === 'rcpt' && decision === undefined) this.#known.recipients.add(facts.recipient);
    return decision;
  }

  carry({ recipients, ...facts }: EndedTransaction): Carried | undefined {
    // Whom it refused it refuses behind DATA, too, in its own words.
    if (this.#open === undefined || this.#refused !== undefined) return undefined;
    const { line, session } = this.#open;
    const { helo, sender, recipients: told } = this.#known;
    this.#carriedHelo = heloOf(facts);
    const isAccepted = this.#accepted !== undefined;
    if (line.isGone && !isAccepted) return undefined;
    const known = {
      ...{ isAccepted, agreed: session.agreed },
      ...{ isHeloTold: helo === this.#carriedHelo, isSenderTold: sender !== undefined },
      recipients: recipients.map((one) => ({ ...one, isTold: told.has(one.address) })),
    };
    return { known, line };
  }

  carriedBack(): void {
    // It heard no end of what it did not want to hear.
    if (this.#accepted === 'transaction') {
      this.reset();
      return;
    }
    this.#known = { ...knownNothing(), helo: this.#carriedHelo };
  }

  reset(): void {
    if (this.#accepted === 'transaction') this.#accepted = undefined;
    if (this.#known.sender === undefined) return;
    this.#known.sender = undefined;
    this.#known.recipients.clear();
    this.#open?.session.abort().catch(() => {});
  }

  end(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.session.quit().then(
      () => open.line.end(this.#clock),
      () => open.line.destroy(),
    );
  }

  async #connect(time: ScanTime): Promise<void> {
    this.#open?.line.destroy();
    this.#open = undefined;
    this.#known = knownNothing();
    const line = await ScanLine.open(this.#place, time, this.#clock, limits);
    try {
      this.#open = { line, session: await MilterSession.begin(line) };
    } catch (error) {
      line.destroy();
      throw error;
    }
  }

  #heed(said: Decision | undefined, what: 'session' | 'transaction'): StageDecision {
    this.#open!.line.rest();
    if (said === undefined) return undefined;
    const { action, text } = said;
    if (action === 'reject' || action === 'defer' || action === 'discard') return { action, text };
    this.#accepted = what;
    return undefined;
  }
}
