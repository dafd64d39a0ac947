/**
 * The states a queued recipient may be asked for by.
 *
 * Runs in: anywhere; plain data.
 */

export const queueStates = ['waiting', 'sending', 'held'] as const;
export type QueueState = (typeof queueStates)[number];
