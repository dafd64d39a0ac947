/**
 * Numbers of the record types: 1 to 19 the store itself, 20 to 39 the spool, 40 to 79 mailboxes.
 *
 * Runs in:   every thread.
 * Invariant: a number once written to a disk never changes its meaning.
 */

/** Ends a parcel; never seen outside `journal/`. */
export const sealRecord = 1;
/** Opens a segment, and with it an epoch. */
export const epochRecord = 2;
/** A live body in a new place: compaction copied it, its old segment goes. */
export const movedRecord = 3;
export const checkpointBeginRecord = 4;
export const checkpointRowsRecord = 5;
export const checkpointEndRecord = 6;

/** Below this number a record is the store's own. */
export const kindTypeMin = 20;
export const kindTypeMax = 79;
