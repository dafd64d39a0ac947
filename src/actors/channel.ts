/**
 * The way from the edge to the engine threads and back, as router and supervisor see it.
 *
 * Runs in:   main thread.
 * Invariant: parcels sent to one thread arrive in the order they were sent; after `onLost(thread)` nothing sent to
 *            that thread before will ever be answered, and its `send` promises have rejected or will.
 *
 * Contract:
 * - Threads are numbered 0 up to `threads - 1`; a number is kept for life, whatever runs behind it.
 * - `send` takes the buffer away; it resolves with the packed answers or rejects with `ThreadLostError`.
 * - `post` is a tell by the thread's port: never answered, dropped when the thread is not there.
 * - `onReady` comes once per start of a thread, when it can take parcels; `onLost` once per end.
 */

export class ThreadLostError extends Error {
  override readonly name = 'ThreadLostError';
  readonly thread: number;

  constructor(thread: number, options?: ErrorOptions) {
    super(`thread ${thread} is gone`, options);
    this.thread = thread;
  }
}

/** What travels by a thread's port, both ways. */
export type PortMessage =
  /** Answers that were pending, to asks (number of parcel, index) × n. */
  | { readonly kind: 'late'; readonly places: Uint32Array; readonly answers: ArrayBuffer }
  /** Asks of an engine thread to other shards: the parcel's number, and how many it has, stand beside it too. */
  | {
      readonly kind: 'asks';
      readonly number: number;
      readonly count: number;
      readonly parcel: ArrayBuffer;
    }
  /** A fact for sessions or for operators: the name chooses the listener. */
  | { readonly kind: 'notice'; readonly name: string; readonly value: unknown };

export function transferOf(message: PortMessage): ArrayBuffer[] {
  if (message.kind === 'late') return [message.answers];
  return message.kind === 'asks' ? [message.parcel] : [];
}

/** What runs behind a thread's number, for one life. */
export interface ThreadPart {
  serve(parcel: ArrayBuffer): Promise<ArrayBuffer>;
  receive?(message: PortMessage): void;
}

export interface ThreadStart {
  readonly thread: number;
  /** Sends by the thread's port, to the main thread. */
  post(message: PortMessage): void;
  /** Ends the thread at once: after a bug. What it had under way is tried again elsewhere. */
  end(cause: unknown): void;
}

export type ThreadBuild = (start: ThreadStart) => ThreadPart | Promise<ThreadPart>;

export interface ChannelEvents {
  onReady(thread: number): void;
  onLost(thread: number, cause: unknown): void;
  onMessage(thread: number, message: PortMessage): void;
}

export interface Channel {
  readonly threads: number;
  /** Starts the threads; events may come before it returns. */
  start(events: ChannelEvents): void;
  isReady(thread: number): boolean;
  send(thread: number, parcel: ArrayBuffer): Promise<ArrayBuffer>;
  post(thread: number, message: PortMessage): void;
  /** Milliseconds a thread's event loop has been active since it started. */
  activeMs(thread: number): number;
  /** Throws all threads away and makes new ones; nothing may be in flight on a thread that lives. */
  rebuild(): Promise<void>;
  /** Ends the threads; nothing may be in flight. */
  close(): Promise<void>;
}
