/**
 * Whose a message is that is \Recent: of all sessions that have its mailbox selected, the first that is told of it.
 *
 * Runs in:   edge (main thread), where all sessions are: a claim needs no word to anybody.
 * Specs:     RFC 3501 §2.3.2.
 * Limits:    a number for each mailbox that somebody has selected, and of `leftMax` that were left.
 * Invariant: a message is claimed once. What is claimed is forgotten only long after its mailbox's row was told.
 */

import { RecentMap } from '../../base/recent-map.ts';

/** An answer that left the engine before the row was told may still come. */
const leftMax = 10_000;

interface Claims {
  /** Messages below are somebody's. */
  readonly uidNext: number;
  /** Up to here the mailbox's row knows, or was told. */
  readonly rowUid: number;
  readonly sessions: number;
}

const noClaims: Claims = { uidNext: 0, rowUid: 0, sessions: 0 };

export class RecentClaims {
  readonly #selected = new Map<string, Claims>();
  readonly #left = new RecentMap<string, Claims>(leftMax);

  /** A session that may take what is \Recent from others has the mailbox, whose row says `rowUid`. */
  enter(account: number, mailbox: number, rowUid: number): void {
    const key = keyOf(account, mailbox);
    const known = this.#get(key);
    this.#left.delete(key);
    this.#selected.set(key, {
      uidNext: Math.max(known.uidNext, rowUid),
      rowUid: Math.max(known.rowUid, rowUid),
      sessions: known.sessions + 1,
    });
  }

  /** Up to where the row is to be told now; 0: it knows. */
  leave(account: number, mailbox: number): number {
    const key = keyOf(account, mailbox);
    const known = this.#get(key);
    const { uidNext } = known;
    const left = { uidNext, rowUid: uidNext, sessions: known.sessions - 1 };
    if (left.sessions > 0) this.#selected.set(key, left);
    else {
      this.#selected.delete(key);
      this.#left.set(key, left);
    }
    return uidNext > known.rowUid ? uidNext : 0;
  }

  /** The first UID that is nobody's, as far as is known here. */
  uidNext(account: number, mailbox: number): number {
    return this.#get(keyOf(account, mailbox)).uidNext;
  }

  /** For a session that entered: what is nobody's below `uidNext` is its own, from the UID that is answered on. */
  claim(account: number, mailbox: number, uidNext: number): number {
    const key = keyOf(account, mailbox);
    const known = this.#get(key);
    if (uidNext > known.uidNext) this.#selected.set(key, { ...known, uidNext });
    return known.uidNext;
  }

  #get(key: string): Claims {
    return this.#selected.get(key) ?? this.#left.get(key) ?? noClaims;
  }
}

function keyOf(account: number, mailbox: number): string {
  return `${account} ${mailbox}`;
}
