/**
 * An ask, a tell and an answer: all that crosses between the edge and the engine.
 *
 * Runs in:   both sides; plain data only, packed by `parcel.ts`.
 * Invariant: bytes given in `body` belong to the runtime until the answer came.
 */

import type { Failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';

/** `short` asks take at most 2 ms of a thread; `long` ones run in slices from a backlog of their own. */
export type AskClass = 'short' | 'long';
/** The system lane (open, close, drain, policy) passes the normal one. */
export type AskLane = 'system' | 'normal';

export interface Ask {
  readonly shard: ShardId;
  /** Asks of one actor are handled and answered in order. "" is the shard itself. */
  readonly actor: string;
  /** Which handler, as `spool.accept`. */
  readonly name: string;
  /** Stands in the record the ask leads to: a repeat is answered from the journal, not done again. "" for reads. */
  readonly key: string;
  readonly class: AskClass;
  readonly lane: AskLane;
  /** Epoch milliseconds after which the asker no longer waits; 0 is never. */
  readonly deadlineMs: number;
  /** Anything msgpackr can carry: no classes, no functions. */
  readonly meta: unknown;
  readonly body: readonly Uint8Array[];
}

/** A handler may give a body in pieces, `rest` being those behind the first: they arrive as one. */
export type Answer =
  | {
      readonly ok: true;
      readonly value: unknown;
      readonly body?: Uint8Array;
      readonly rest?: readonly Uint8Array[];
    }
  | Failure;

/** An ask as its handler sees it. `body` is one piece of the parcel's buffer: the handler may keep it. */
export interface ArrivedAsk extends Omit<Ask, 'body'> {
  readonly body: Uint8Array;
}

/** Room for asks that wait for the outside: a handler that may pend asks first and answers `store-busy` when full. */
export interface PendingRoom {
  readonly isFull: boolean;
}

/**
 * Decides and answers one ask. Handlers of one parcel are started in order, each running to its first await before
 * the next starts, so that their records join one group commit. A handler that must wait for the outside (DNS, a
 * filter) says so with `pending`: its parcel does not wait for it.
 */
export type Handler = (ask: ArrivedAsk, room: PendingRoom) => Handled;

export type Handled = Answer | Promise<Answer> | { readonly pending: Promise<Answer> };

/** Where the parcel does not wait anyway. */
export async function answerOf(handled: Handled): Promise<Answer> {
  const answer = await handled;
  return 'pending' in answer ? await answer.pending : answer;
}

export type Handlers = Readonly<Record<string, Handler>>;

/** Asks by whoever cannot know which thread has the shard: upwards from an engine thread. */
export type AskUpwards = (ask: Ask) => Promise<Answer>;

/** What answers those asks, by their names. */
export type UpwardAnswers = Readonly<Record<string, AskUpwards>>;
