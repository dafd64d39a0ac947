/**
 * Names of messages that come from another account by MOVE: whoever asks again because the first try was cut off, after
 * the copy and before the original was out, does not double them.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.4.8 (a message SHOULD NOT be left in both mailboxes).
 * Limits:    a name is known `daysKnown` days.
 * Invariant: a message moves to a mailbox once: its UID is not used again. A copy counts only while it is there, so
 *            that none is taken out for one that is gone.
 */

import { hash } from 'node:crypto';
import { type MessageId, messageIdMs } from '../../base/ids.ts';
import { dayMs } from '../../base/units.ts';
import { deliveryHashBytes } from '../store/keys.ts';
import type { AccountActor } from './account-actor.ts';
import { nameOnce } from './delivery.ts';
import { existing } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';

const daysKnown = 7;

export interface MovedFrom {
  readonly account: number;
  readonly mailbox: number;
  /** One a message. */
  readonly uids: readonly number[];
}

interface MovedTo {
  readonly id: MessageId;
  readonly mailbox: number;
  readonly moved: MovedFrom;
}

/** Of the n-th message; its outcome where an earlier try put it there. */
export function nameMoved(
  shard: MailboxShard,
  actor: AccountActor,
  { id, mailbox, moved }: MovedTo,
  n: number,
): ReturnType<typeof nameOnce> {
  // A space cannot be in a recipient's place here: no delivery has this name.
  const name = `${moved.account} ${moved.mailbox} ${moved.uids[n]} moved to ${mailbox}`;
  const idHash = hash('sha256', name, 'buffer').subarray(0, deliveryHashBytes);
  const known = nameOnce(shard, actor, id, idHash, daysKnown);
  if (!('outcome' in known) || known.outcome instanceof Promise) return known;
  const { outcome } = known;
  const isThere =
    outcome.ok &&
    !existing(shard, actor.account, outcome.mailbox, [outcome.uid, outcome.uid]).next().done;
  if (isThere) return known;
  const day = Math.floor(messageIdMs(id) / dayMs);
  return { day, idHash, key: idHash.toString('latin1') };
}
