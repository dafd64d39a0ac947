/**
 * What a shard answers IMAP sessions with: its mailboxes, and what is kept for sessions between their asks.
 *
 * Runs in: the engine thread that owns the shard.
 */

import type { Clock } from '../../../ports/clock.ts';
import { KeptMessages } from '../kept.ts';
import { MailboxReader } from '../mailbox-reader.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import type { MailboxRow } from '../rows/mailbox-row.ts';
import { MailboxTree } from '../tree.ts';
import { Columns } from './columns.ts';
import { FirstUnseen } from './first-unseen.ts';
import { FlagBits } from './flag-bits.ts';
import { Leases } from './leases.ts';
import type { Place } from './messages.ts';
import { type FlagWork, ReaderFlags } from './reader-flags.ts';
import { ReaderShard, SeenCounts } from './reader-shard.ts';
import type { Rights } from './rights.ts';
import { SortOrders } from './sort-orders.ts';
import { ThreadInputs } from './thread-inputs.ts';
import { Views } from './views.ts';

export class ImapDesk {
  readonly shard: MailboxShard;
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  readonly reader: MailboxReader;
  readonly tree: MailboxTree;
  readonly views: Views;
  readonly leases: Leases;
  readonly columns: Columns;
  /** Absent: somebody else asks, whose \Seen is its own. */
  readonly flagBits: FlagBits | undefined;
  readonly orders: SortOrders;
  readonly threads: ThreadInputs;
  readonly kept: KeptMessages;
  /** Sets flags: of everybody, and \Seen of who asks. */
  readonly flags: FlagWork;
  /** Absent: an account's own sessions ask. */
  readonly rights: Rights | undefined;
  readonly #seenCounts = new SeenCounts();
  readonly #unseen: FirstUnseen;
  /** Somebody reads a mailbox's state, to be told of what comes after. */
  opened: (account: number, mailbox: number) => void = () => {};

  /** `base` is the desk of the owner, where somebody else asks. */
  constructor(
    shard: MailboxShard,
    mailboxes: Mailboxes,
    clock: Clock,
    base?: ImapDesk,
    rights?: Rights,
  ) {
    if (base !== undefined) this.opened = base.opened;
    this.shard = shard;
    this.mailboxes = mailboxes;
    this.clock = clock;
    this.reader = new MailboxReader(shard);
    this.tree = base?.tree ?? new MailboxTree(mailboxes, shard);
    this.views = base?.views ?? new Views(shard, mailboxes.derived);
    this.leases = base?.leases ?? new Leases(shard, clock);
    this.columns = base?.columns ?? new Columns(mailboxes.derived);
    const { columns, reader } = this;
    this.flagBits =
      rights === undefined ? new FlagBits({ shard, reader }, mailboxes.derived) : undefined;
    this.orders = base?.orders ?? new SortOrders({ shard, columns }, mailboxes.derived);
    this.threads = base?.threads ?? new ThreadInputs(shard, mailboxes.derived);
    const { tree } = this;
    this.kept = base?.kept ?? new KeptMessages({ shard, mailboxes, tree, clock });
    this.#unseen = base === undefined ? new FirstUnseen() : base.#unseen;
    this.rights = rights;
    this.flags = rights === undefined ? mailboxes : new ReaderFlags(mailboxes, this.reader, rights);
  }

  /** Of who asks; undefined: there is none, or it is far. */
  firstUnseen(place: Place, row: MailboxRow): number | undefined {
    const reader = this.rights?.reader.account ?? place.account;
    return this.#unseen.find(this.shard, place, reader, row);
  }

  /** The shard goes: what is kept for it makes room for others of the thread. */
  close(): void {
    this.views.close();
    this.columns.close();
    this.flagBits?.close();
    this.orders.close();
    this.threads.close();
    this.mailboxes.names.close();
  }

  /** The same mailboxes as somebody else sees them. */
  forReader(rights: Rights): ImapDesk {
    const shard = new ReaderShard(this.shard, rights.reader.account, this.#seenCounts);
    return new ImapDesk(shard, this.mailboxes, this.clock, this, rights);
  }
}
