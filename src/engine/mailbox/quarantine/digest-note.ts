/**
 * Up to which message the digest of a day tells: noted before it is sent, so that a day has one digest, whatever
 * restarts come between.
 *
 * Runs in:   the engine thread that owns the shard.
 * Invariant: an annotation of the quarantine itself, which no client can name.
 */

import { annotationRange } from '../../store/keys.ts';
import { annotatedDraft } from '../annotation-records.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { annotationsOf } from '../rows/annotation-row.ts';
import type { Owner } from '../tree.ts';

const entry = '/private/vendor/chaski/quarantine/digest';

export interface DigestNote {
  /** Whatever number the caller gives a day. */
  readonly day: number;
  readonly uidMax: number;
}

/** The day's own note where it has one, else `wanted`, which is on disk when it resolves. */
export async function noteDigest(
  { shard, mailboxes }: { readonly shard: MailboxShard; readonly mailboxes: Mailboxes },
  { account, tenant }: Owner,
  mailbox: number,
  wanted: DigestNote,
): Promise<number> {
  return await mailboxes.decide(account, tenant, (actor) => {
    const known = readNote(shard, account, mailbox);
    if (known?.day === wanted.day) return { drafts: [], mailboxes: [], value: known.uidMax };
    const value = Buffer.from(`${wanted.day} ${wanted.uidMax}`);
    const place = { account, modseq: actor.nextModseq(), mailbox, reader: account };
    const drafts = [annotatedDraft(tenant, { ...place, values: [[entry, value]] })];
    return { drafts, mailboxes: [], value: wanted.uidMax };
  });
}

function readNote(
  shard: Pick<MailboxShard, 'range'>,
  account: number,
  mailbox: number,
): DigestNote | undefined {
  const [found] = annotationsOf(shard.range(annotationRange(account, mailbox, account, entry)));
  if (found === undefined) return undefined;
  const [day, uidMax] = Buffer.from(found.value).toString('latin1').split(' ').map(Number);
  return { day: day!, uidMax: uidMax! };
}
