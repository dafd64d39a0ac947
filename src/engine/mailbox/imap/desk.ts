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
import { MailboxTree } from '../tree.ts';
import { Leases } from './leases.ts';
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
  readonly orders: SortOrders;
  readonly threads: ThreadInputs;
  readonly kept: KeptMessages;

  constructor(shard: MailboxShard, mailboxes: Mailboxes, clock: Clock) {
    this.shard = shard;
    this.mailboxes = mailboxes;
    this.clock = clock;
    this.reader = new MailboxReader(shard);
    this.tree = new MailboxTree(mailboxes, shard);
    this.views = new Views(shard);
    this.leases = new Leases(shard, clock);
    this.orders = new SortOrders(shard);
    this.threads = new ThreadInputs(shard);
    const { tree } = this;
    this.kept = new KeptMessages({ shard, mailboxes, tree, clock });
  }
}
