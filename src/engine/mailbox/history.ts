/**
 * Forgets old changes: rows of expunges, of other changes by modseq, and of changes of the account.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 7162 §3.2.5.1; decision 0070.
 * Limits:    an account keeps the rows of its last `keptMax` modseqs, and an eighth more before anything is done; a
 *            record takes `rowsPerRecord` rows of a table away, a look writes `recordsPerLook`; `accountsMax` accounts
 *            that changed are remembered between two looks, others when they change again.
 * Invariant: a mailbox's floors are those of rows that are gone. Its account's floor rises last: a trim that was cut
 *            short begins again.
 */

import type { AccountId, TenantId } from '../../base/ids.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IndexEntry } from '../../ports/shard-index.ts';
import { changesUpTo, type KeyRange, modseqAt, modseqsUpTo, tables } from '../store/keys.ts';
import { trimmedDraft } from './history-records.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { Mailboxes } from './mailboxes.ts';

const rowsPerRecord = 500;
const recordsPerLook = 64;
const accountsMax = 10_000;
const lookMs = 10 * secondMs;

export interface HistoryParts {
  readonly shard: Pick<MailboxShard, 'range'>;
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  /** `mailbox.changesKeptMax`. */
  readonly keptMax: number;
}

interface Owner {
  readonly account: AccountId;
  readonly tenant: TenantId;
}

export class History {
  readonly #parts: HistoryParts;
  /** Accounts that changed since they were looked at. */
  readonly #changed = new Map<AccountId, TenantId>();
  #lookedMs = 0;
  #recordsLeft = 0;
  #isLooking = false;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  changed(account: AccountId, tenant: TenantId): void {
    if (this.#changed.size < accountsMax) this.#changed.set(account, tenant);
  }

  /** Called often; looks once in `lookMs`. */
  sweep(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#isLooking || nowMs < this.#lookedMs + lookMs) return;
    this.#lookedMs = nowMs;
    this.#isLooking = true;
    // What could not be written is tried again by the next look.
    this.look()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async look(): Promise<void> {
    this.#recordsLeft = recordsPerLook;
    for (const [account, tenant] of this.#changed) {
      if (!(await this.#trim({ account, tenant }))) {
        // The next look goes on here, and soon.
        this.#lookedMs = Number.NEGATIVE_INFINITY;
        return;
      }
      this.#changed.delete(account);
    }
  }

  /** False: there is more to do. */
  async #trim(owner: Owner): Promise<boolean> {
    const { mailboxes, keptMax } = this.#parts;
    const { account } = owner;
    const row = mailboxes.reader.account(account);
    if (row === undefined || row.modseq - row.changesFloor <= keptMax * 1.125) return true;
    const floor = row.modseq - keptMax;
    for (const { mailbox } of mailboxes.reader.allMailboxes(account)) {
      while (this.#hasRows(account, mailbox, floor)) {
        if (this.#recordsLeft-- <= 0) return false;
        await this.#trimMailbox(owner, mailbox, floor);
      }
    }
    for (;;) {
      if (this.#recordsLeft-- <= 0) return false;
      if (await this.#trimChanges(owner, floor)) return true;
    }
  }

  #hasRows(account: number, mailbox: number, floor: number): boolean {
    const { shard } = this.#parts;
    return [tables.vanished, tables.byModseq].some(
      (table) =>
        shard.range({ ...modseqsUpTo(table, account, mailbox, floor), limit: 1 }).length > 0,
    );
  }

  #trimMailbox({ account, tenant }: Owner, mailbox: number, target: number): Promise<void> {
    return this.#parts.mailboxes.decide(account, tenant, (actor) => {
      const vanished = this.#rows(modseqsUpTo(tables.vanished, account, mailbox, target));
      const changed = this.#rows(modseqsUpTo(tables.byModseq, account, mailbox, target));
      const floor = Math.min(endOf(vanished, 9, target), endOf(changed, 9, target));
      const trimmed = {
        ...{ account, modseq: actor.nextModseq(), mailbox, floor },
        vanishedFloor: lastUpTo(vanished, floor),
        modseqFloor: lastUpTo(changed, floor),
      };
      return { drafts: [trimmedDraft(tenant, trimmed)], mailboxes: [], value: undefined };
    });
  }

  /** True: all are gone. */
  #trimChanges({ account, tenant }: Owner, target: number): Promise<boolean> {
    return this.#parts.mailboxes.decide(account, tenant, (actor) => {
      const rows = this.#rows(changesUpTo(account, target));
      const floor = endOf(rows, 5, target);
      const what = { account, modseq: actor.nextModseq(), mailbox: 0, floor };
      const draft = trimmedDraft(tenant, { ...what, vanishedFloor: 0, modseqFloor: 0 });
      return { drafts: [draft], mailboxes: [], value: floor === target };
    });
  }

  #rows(range: KeyRange): readonly IndexEntry[] {
    return this.#parts.shard.range({ ...range, limit: rowsPerRecord });
  }
}

/** Up to where the rows are all there are: the last one's modseq, where there may be more. */
function endOf(rows: readonly IndexEntry[], at: 5 | 9, target: number): number {
  return rows.length < rowsPerRecord ? target : modseqAt(rows.at(-1)!.key, at);
}

function lastUpTo(rows: readonly IndexEntry[], floor: number): number {
  let last = 0;
  for (const { key } of rows) {
    const modseq = modseqAt(key, 9);
    if (modseq <= floor) last = modseq;
  }
  return last;
}
