/**
 * What travels by the port between the main thread and a thread of the pool: parcels, their answers, and all else.
 *
 * Runs in:   both sides.
 * Invariant: a parcel's number is given once in the life of a channel; its answers come once, or the thread is gone.
 */

import { type PortMessage, transferOf } from './channel.ts';

/** Asks, downwards. */
export interface ParcelMessage {
  readonly kind: 'parcel';
  readonly number: number;
  readonly parcel: ArrayBuffer;
}

/** Upwards; a fault where the parcel could not be read. */
export interface AnswersMessage {
  readonly kind: 'answers';
  readonly number: number;
  readonly answers: ArrayBuffer | undefined;
  readonly fault?: string;
}

export type ThreadMessage = PortMessage | ParcelMessage | AnswersMessage;

interface Port {
  postMessage(message: ThreadMessage, transfer: readonly ArrayBuffer[]): void;
}

export function send(port: Port, message: ThreadMessage): void {
  if (message.kind === 'parcel') port.postMessage(message, [message.parcel]);
  else if (message.kind !== 'answers') port.postMessage(message, transferOf(message));
  else port.postMessage(message, message.answers === undefined ? [] : [message.answers]);
}
