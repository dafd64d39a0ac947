/**
 * A scanner's conversation about a session that goes on through the session's message: it began in the main thread, and
 * the thread that has the text speaks on by it.
 *
 * Contract:
 * - A conversation is claimed once at most, and not at all once its session takes it back.
 * - Who claimed it releases it, good: a next transaction may be told of by it; or not: it is ended. Who is gone without
 *   a word has it ended for him when his time is over.
 * - Bytes go through as they are. Nothing here rejects.
 */

import type { ScanFault } from './content-scanner.ts';

/** A recipient as the client named it, and the addresses that the message goes to for it. */
export interface ToldRecipient {
  readonly address: string;
  readonly leadsTo: readonly string[];
  readonly isTold: boolean;
}

/** What a scanner knows by then. */
export interface CarriedKnown {
  /** It wants to hear no more of the message, which it lets pass: nothing is to be said, or released. */
  readonly isAccepted: boolean;
  /** What was agreed on at its beginning, in numbers of its protocol. */
  readonly agreed: readonly number[];
  readonly isHeloTold: boolean;
  readonly isSenderTold: boolean;
  /** All of the transaction. */
  readonly recipients: readonly ToldRecipient[];
}

export interface CarriedFault {
  readonly fault: ScanFault;
  readonly detail: string;
}

export interface ClaimedConversation {
  readonly known: CarriedKnown;
  /** Sends, and where an answer is due waits for the next bytes of it. */
  exchange(
    parts: readonly Uint8Array[],
    isAnswerDue: boolean,
  ): Promise<{ readonly bytes: Uint8Array } | CarriedFault>;
  /** `parts` are sent first. */
  release(parts: readonly Uint8Array[], isGood: boolean): Promise<void>;
}

export interface CarriedScans {
  /** For `msMax` milliseconds. Undefined: it is not to be had, so the scanner is asked by a conversation of one's own. */
  claim(id: number, msMax: number): Promise<ClaimedConversation | undefined>;
}
