/**
 * One submitted message on its way through a site: which recipients are settled and how.
 *
 * Runs in:   engine threads.
 * Invariant: a recipient is settled once; when the last one is, `done` is called, once.
 */

import { assert } from '../../base/assert.ts';
import type { Reply } from '../../mail/wire/smtp/reply-reader.ts';
import type {
  DeliveryDone,
  Departure,
  OutboundMessage,
  OutcomeStatus,
  RecipientOutcome,
} from './message.ts';
import { ownOutcome } from './message.ts';

/** Where outcomes come from. */
export interface Hop {
  readonly host: string;
  readonly address: string;
  readonly passesDsn: boolean;
  readonly passesDeliverBy: boolean;
  readonly departure: Departure;
}

/** What a message was counted against before it was sent. */
export interface Counted {
  /** It was not sent after all. */
  giveBack(): void;
}

export class Transaction {
  readonly message: OutboundMessage;
  /** Recipients of the attempt under way, as indexes, in the order of their RCPT commands. */
  readonly asked: number[] = [];
  /** Those of `asked` the peer took so far. */
  readonly taken: number[] = [];
  moves = 0;
  /** It was lost once with a connection that had idled: that is no move. */
  wasStale = false;
  /** Whom sessions that carry it are counted for; "": nobody. */
  domain = '';
  /** By what it leaves, once that was chosen. */
  departure: Departure | undefined;
  /** Until it is sent. */
  counted: Counted | undefined;
  /** Set by the site: when it was queued or sent, on its own clock. */
  sinceMs = 0;
  readonly #done: DeliveryDone;
  readonly #outcomes: (RecipientOutcome | undefined)[];
  #open: number;

  constructor(message: OutboundMessage, done: DeliveryDone) {
    assert(message.recipients.length > 0, 'a message without recipients cannot be delivered');
    this.message = message;
    this.#done = done;
    this.#open = message.recipients.length;
    this.#outcomes = new Array(this.#open);
  }

  get isSettled(): boolean {
    return this.#open === 0;
  }

  /** Picks the recipients of the next attempt: those not settled, `countMax` at most. */
  begin(countMax: number, departure: Departure): void {
    this.departure = departure;
    this.counted = undefined;
    this.asked.length = 0;
    this.taken.length = 0;
    for (let i = 0; i < this.#outcomes.length && this.asked.length < countMax; i++) {
      if (this.#outcomes[i] === undefined) this.asked.push(i);
    }
  }

  settle(index: number, status: OutcomeStatus, reply: Reply, hop: Hop): void {
    this.#set(index, {
      status,
      reply,
      isOurs: false,
      remoteHost: hop.host,
      remoteAddress: hop.address,
      passedDsn: hop.passesDsn,
      passedDeliverBy: hop.passesDeliverBy,
      departure: hop.departure,
    });
  }

  /** Settles every recipient the peer took in this attempt by its last word. */
  settleTaken(status: OutcomeStatus, reply: Reply, hop: Hop): void {
    for (const index of this.taken) this.settle(index, status, reply, hop);
  }

  /** Settles all that is still open by a decision of our own. */
  settleRest(status: OutcomeStatus, reply: Reply, host = '', address = ''): void {
    this.#settleOpen(ownOutcome(status, reply, host, address, this.departure));
  }

  /** Sends back all that is still open, for it could not even be tried; absent: the next try is as ever. */
  holdBack(reply: Reply, notBeforeMs: number | undefined): void {
    const outcome = ownOutcome('deferred', reply);
    this.#settleOpen(notBeforeMs === undefined ? outcome : { ...outcome, notBeforeMs });
  }

  #settleOpen(outcome: RecipientOutcome): void {
    for (let i = 0; i < this.#outcomes.length && this.#open > 0; i++) {
      if (this.#outcomes[i] === undefined) this.#set(i, outcome);
    }
  }

  #set(index: number, outcome: RecipientOutcome): void {
    assert(this.#outcomes[index] === undefined, 'a recipient is settled once');
    this.#outcomes[index] = outcome;
    this.#open--;
    if (this.#open > 0) return;
    this.counted?.giveBack();
    this.counted = undefined;
    this.#done({ outcomes: this.#outcomes as RecipientOutcome[] });
  }
}
