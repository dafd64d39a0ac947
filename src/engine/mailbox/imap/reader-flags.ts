/**
 * Flags as a reader of somebody else's mailbox sets them: those the reader's rights allow, \Seen for the reader alone.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 4314 §4 (STORE: flags without a right to them stay as they are).
 * Invariant: the owner's \Seen is never changed. A condition on modseqs is looked at once, for all steps; they are on
 *            disk together.
 */

import type { AccountId, TenantId } from '../../../base/ids.ts';
import { flagsAllowed, rights } from '../../../mail/wire/imap/rights.ts';
import type { FlagStep, StoreFlags } from '../decisions.ts';
import type { MailboxReader } from '../mailbox-reader.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { seenFlag } from '../rows/uid-block.ts';
import type { IdRanges } from '../rows/uid-ranges.ts';
import type { Rights } from './rights.ts';

export type FlagWork = Pick<Mailboxes, 'storeFlags'>;

const seenBit = 1 << seenFlag;

export class ReaderFlags implements FlagWork {
  readonly #mailboxes: FlagWork;
  readonly #reader: Pick<MailboxReader, 'mailbox'>;
  readonly #rights: Rights;

  constructor(mailboxes: FlagWork, reader: Pick<MailboxReader, 'mailbox'>, own: Rights) {
    this.#mailboxes = mailboxes;
    this.#reader = reader;
    this.#rights = own;
  }

  async storeFlags(account: AccountId, tenant: TenantId, store: StoreFlags): Promise<IdRanges> {
    const known = this.#reader.mailbox(account, store.mailbox)?.keywords ?? [];
    const [first, ...more] = this.#steps(store, known);
    if (first === undefined) return [];
    return await this.#mailboxes.storeFlags(account, tenant, { ...store, ...first, more });
  }

  #steps({ mailbox, op, flags, keywords }: StoreFlags, known: readonly string[]): FlagStep[] {
    const had = this.#rights.of(mailbox);
    const allowed = flagsAllowed(had);
    const mayKeywords = (had & rights.write) !== 0;
    const shared = allowed & ~seenBit;
    const steps: FlagStep[] = [];
    const add = (step: FlagStep) => {
      if (step.flags !== 0 || step.keywords.length > 0) steps.push(step);
    };
    const wanted = mayKeywords ? keywords : [];
    if (op === 'replace') {
      const others = mayKeywords ? known.filter((name) => !keywords.includes(name)) : [];
      add({ op: 'remove', flags: shared & ~flags, keywords: others });
      add({ op: 'add', flags: shared & flags, keywords: wanted });
    } else add({ op, flags: shared & flags, keywords: wanted });
    const isSeenMeant = op === 'replace' || (flags & seenBit) !== 0;
    if (isSeenMeant && (allowed & seenBit) !== 0) {
      const isSeen = op !== 'remove' && (flags & seenBit) !== 0;
      const reader = this.#rights.reader.account;
      steps.push({ op: isSeen ? 'add' : 'remove', flags: seenBit, keywords: [], reader });
    }
    return steps;
  }
}
