/**
 * Brings snoozed messages back when their time comes.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     draft-ietf-extra-sieve-snooze-07.
 * Limits:    a look goes through `accountsPerLook` accounts, once in `lookMs`, and brings back `wokenPerLook` of each.
 * Invariant: a message comes back once: it is moved by one record, and then its row ends; killed between the two, it is
 *            no more where it lay, and the row ends without it. What was moved or expunged meanwhile stays where it is.
 */

import type { AccountId, TenantId } from '../../../base/ids.ts';
import type { Log } from '../../../base/log.ts';
import type { Clock } from '../../../ports/clock.ts';
import { firstU32 } from '../../store/keys.ts';
import { snoozedNap, snoozedOf, snoozesFrom } from '../../store/sweep-keys.ts';
import { inboxMailbox } from '../account-actor.ts';
import type { FlagStep } from '../decisions.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { decodeSnoozed, type SnoozedRow } from '../rows/snoozed-row.ts';
import { countOf, type IdRanges } from '../rows/uid-ranges.ts';
import { flagsOf } from '../sieve/filing.ts';
import { type MakingParts, mailboxMadeFor } from '../sieve/making.ts';
import type { Owner } from '../tree.ts';
import { type PackedNap, snoozedDraft } from './records.ts';

const accountsPerLook = 200;
const wokenPerLook = 100;
const lookMs = 5_000;

export interface SnoozesParts {
  readonly shard: MailboxShard;
  readonly mailboxes: Mailboxes;
  readonly tree: MakingParts['tree'];
  readonly clock: Clock;
  readonly log: Pick<Log, 'info'>;
}

export class Snoozes {
  readonly #parts: SnoozesParts;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #nextAccount = 0;
  #isLooking = false;

  constructor(parts: SnoozesParts) {
    this.#parts = parts;
  }

  /** Called often; looks once in `lookMs` for what is to come back. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#isLooking || nowMs < this.#lookedMs + lookMs) return;
    this.#lookedMs = nowMs;
    this.#isLooking = true;
    // What could not be written is found again by the next look.
    this.#look()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    let isMore = false;
    for (let looked = 0; looked < accountsPerLook; looked++) {
      const account = this.#accountFrom(this.#nextAccount);
      if (account === undefined) {
        this.#nextAccount = 0;
        break;
      }
      this.#nextAccount = account + 1;
      // One that cannot be written holds up no other, and is found again by a later look.
      const over = this.#wakeDue(account).catch(() => false);
      isMore = (await over) || isMore;
    }
    if (isMore || this.#nextAccount > 0) this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  /** The next that has snoozed messages; undefined: there is none. */
  #accountFrom(account: number): number | undefined {
    const [row] = this.#parts.shard.range({ ...snoozesFrom(account), limit: 1 });
    return row === undefined ? undefined : firstU32(row.key);
  }

  /** Whether there may be more. */
  async #wakeDue(account: number): Promise<boolean> {
    const { shard, clock } = this.#parts;
    const range = { ...snoozedOf(account, clock.nowMs()), limit: wokenPerLook };
    const due = shard.range(range).map(({ key, value }) => [snoozedNap(key), value] as const);
    for (const [nap, value] of due) await this.#wake(account, nap, decodeSnoozed(value));
    return due.length === wokenPerLook;
  }

  async #wake(account: number, nap: PackedNap, row: SnoozedRow): Promise<void> {
    const { mailboxes, log } = this.#parts;
    const [, mailbox, uid] = nap;
    const owner: Owner = { account: account as AccountId, tenant: row.tenant as TenantId };
    const [entry] = mailboxes.reader.messages(account, mailbox, uid, 1);
    if (entry?.uid === uid) {
      const target = await this.#target(owner, row);
      const from = { mailbox, uids: [uid, uid] };
      const flags = (moved: IdRanges) => flagSteps(row).map((step) => changed(step, moved));
      // Where it woke up in is where it is to go.
      if (target !== mailbox) {
        const more = { flagsOf: flags, isQuiet: true };
        await mailboxes.copy(owner.account, owner.tenant, from, target, true, more);
      }
      log.info({ account, mailbox: target }, 'a snoozed message is back');
    }
    await mailboxes.decide(owner.account, owner.tenant, (actor) => {
      const record = { account, modseq: actor.nextModseq(), added: [], ended: [nap] };
      return { drafts: [snoozedDraft(owner.tenant, record)], mailboxes: [], value: undefined };
    });
  }

  /** INBOX where it cannot be had. */
  async #target(owner: Owner, { create, ...place }: SnoozedRow): Promise<number> {
    const { mailboxes, tree } = this.#parts;
    const { mailbox, mailboxId, specialUse } = place;
    const filing = {
      mailbox,
      ...(mailboxId === '' ? {} : { mailboxId }),
      ...(specialUse === '' ? {} : { specialUse }),
      ...(create ? { create: true as const } : {}),
    };
    return (await mailboxMadeFor({ names: mailboxes.names, tree }, owner, filing)) || inboxMailbox;
  }
}

function flagSteps({ addFlags, removeFlags }: SnoozedRow): readonly FlagStep[] {
  return [
    ...(removeFlags.length === 0 ? [] : [{ op: 'remove' as const, ...flagsOf(removeFlags) }]),
    ...(addFlags.length === 0 ? [] : [{ op: 'add' as const, ...flagsOf(addFlags) }]),
  ];
}

function changed(step: FlagStep, moved: IdRanges) {
  return { offsets: [0, countOf(moved) - 1], step };
}
