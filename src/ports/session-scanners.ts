/**
 * Programs beside ours that are asked at the stages of a session, before there is a message.
 *
 * Contract:
 * - `ask` never rejects, and ends in the sum of the times that the scanners were set up with.
 * - The stages of one session are asked in turn: no question before the answer to the one before it.
 * - A text is one line of printable ASCII, an SMTP reply of the class that its answer has.
 */

import type { ToldRecipient } from './carried-scans.ts';

export const sessionStages = ['connect', 'helo', 'mail', 'rcpt'] as const;
export type SessionStage = (typeof sessionStages)[number];

/** What is known of a session as it stands; "" is what was not said yet. */
export interface StageFacts {
  readonly peerAddress: string;
  readonly peerPort: number;
  /** What this server calls itself. */
  readonly hostname: string;
  readonly helo: string;
  /** Who logged in; "": nobody. */
  readonly user: string;
  /** Logged in, or from `relay.networks`. */
  readonly isTrusted: boolean;
  readonly tls?: { readonly version: string; readonly cipher: string };
  /** "" at `mail` and `rcpt` is the null reverse-path. */
  readonly sender: string;
  /** The one that is asked about. */
  readonly recipient: string;
}

export type StageAnswer =
  | { readonly kind: 'go-on' }
  /** `text` as `550 5.7.1 Not here`. */
  | { readonly kind: 'refused'; readonly text: string };

export interface SessionScanners {
  /** A client is there. Undefined: nobody asks about sessions. */
  begin(): ScannedSession | undefined;
}

/** What a session ends its transaction with. */
export type EndedTransaction = Pick<StageFacts, 'helo' | 'tls'> & {
  /** As the client named them, and what that led to. */
  readonly recipients: readonly Omit<ToldRecipient, 'isTold'>[];
};

export interface ScannedSession {
  ask(stage: SessionStage, facts: StageFacts): Promise<StageAnswer>;
  isAskedAt(stage: SessionStage, isTrusted: boolean): boolean;
  /** Its transaction is over, whatever became of it; called too once a message has its answer. */
  reset(): void;
  /**
   * Its transaction ends with a message: the conversations that go on through it, each to be claimed once by its id
   * (`ports/carried-scans.ts`). The others are reset.
   */
  carry(ended: EndedTransaction): readonly (readonly [scanner: string, id: number])[];
  /** The client is gone, or becomes another one. */
  end(): void;
}
