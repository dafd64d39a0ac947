/**
 * A message put into a mailbox by its owner, byte for byte.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.3.12 (APPEND).
 * Limits:    as for deliveries: an append's id is kept `deliveryDaysKept` days.
 * Invariant: everything is decided before the first await. Done twice under one id, it changes nothing.
 */

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { failureOf } from '../../base/errors.ts';
import type { AccountId, MessageId, TenantId } from '../../base/ids.ts';
import { dayMs } from '../../base/units.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import { deliveryHashBytes } from '../store/keys.ts';
import { type AccountActor, noQuota } from './account-actor.ts';
import { deliveryDaysKept, type Naming, nameOnce, type Staged } from './delivery.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { deliveredDraft, parsedDraft } from './records.ts';
import { encodeParsed, parsedRowBytesMax } from './rows/parsed-row.ts';
import { threadIds } from './thread-finder.ts';

export interface AppendRequest {
  readonly account: AccountId;
  readonly tenant: TenantId;
  readonly mailbox: number;
  /** Names the append. */
  readonly id: MessageId;
  /** Bits by place in `systemFlags`. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  /** Kept as they are, until the append settles. */
  readonly bytes: Uint8Array;
}

const noBytes = Buffer.alloc(0);

export function stageAppend(
  shard: MailboxShard,
  actor: AccountActor,
  request: AppendRequest,
  nowMs: number,
): Staged {
  const { id, mailbox } = request;
  // A space cannot be in a recipient's place here: no delivery has this name.
  const idHash = hash('sha256', `${id} append ${mailbox}`, 'buffer').subarray(0, deliveryHashBytes);
  const named = nameOnce(shard, actor, id, idHash);
  if ('outcome' in named) return named;
  try {
    return decide(actor, request, { nowMs, ...named });
  } catch (error) {
    return { outcome: failureOf(error) };
  }
}

function decide(actor: AccountActor, request: AppendRequest, naming: Naming): Staged {
  const { account, tenant, mailbox, bytes, flags, keywords, internalMs } = request;
  const row = actor.row();
  actor.claimRoom(bytes.byteLength, row);
  const creation = actor.creation(naming.nowMs, noQuota, row);
  const summary = summarise(bytes);
  const ids = threadIds(summary);
  const parsed = encodeParsed(summary);
  const isLarge = parsed.length > parsedRowBytesMax;
  const uid = actor.nextUid(mailbox);
  const document = actor.nextDocument();
  const delivered = deliveredDraft(
    tenant,
    {
      account,
      modseq: actor.nextModseq(),
      mailbox,
      uid,
      document,
      thread: actor.thread(ids),
      internalMs,
      hash: hash('sha256', bytes, 'buffer'),
      flags,
      keywords,
      deliveryDay: naming.day,
      deliveryHash: naming.idHash,
      idHashes: ids.hashes,
      subjectHash: ids.subject,
      forgetDay: Math.max(0, Math.floor(naming.nowMs / dayMs) - deliveryDaysKept),
      parsed: isLarge ? noBytes : parsed,
    },
    [bytes],
  );
  const drafts = creation === undefined ? [delivered] : [creation, delivered];
  if (isLarge) drafts.push(parsedDraft(tenant, { account, document }, parsed));
  const copy = { mailbox, uid, document };
  return { drafts, bytes: bytes.byteLength, key: naming.key, copy, row };
}
