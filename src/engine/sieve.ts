/**
 * Joins the parts of a shard that Sieve scripts need: their shelf, and what delivery asks of them.
 *
 * Runs in: the engine thread that owns the shard.
 */

import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import type { EngineParts } from './engine-parts.ts';
import type { DerivedMemory } from './mailbox/derived-memory.ts';
import type { Mailboxes } from './mailbox/mailboxes.ts';
import { AccountFilters } from './mailbox/sieve/filters.ts';
import { ImapActions } from './mailbox/sieve/imap-actions.ts';
import { ImapScripts } from './mailbox/sieve/imap-scripts.ts';
import { SieveMemory } from './mailbox/sieve/memory.ts';
import { SentRates } from './mailbox/sieve/sent-rates.ts';
import { ScriptShelf } from './mailbox/sieve/shelf.ts';
import type { Lessons } from './mailbox/spam/lessons.ts';
import type { MailboxTree } from './mailbox/tree.ts';
import type { Policy } from './pipeline/policy.ts';
import type { Spool } from './spool/spool.ts';
import type { Shard } from './store/shard.ts';

export interface SieveParts {
  readonly engine: EngineParts;
  readonly store: Shard;
  readonly mailboxes: Mailboxes;
  readonly tree: MailboxTree;
  readonly spool: Spool;
  readonly derived: DerivedMemory;
  readonly policy: () => Policy;
  /** What accounts taught; absent: nobody learns. */
  readonly lessons: Lessons | undefined;
  readonly resolve: (address: string) => Promise<readonly PackedRecipient[]>;
  /** An address of an account; undefined: it has none any more. */
  readonly addressOf: (account: number) => Promise<string | undefined>;
}

export interface SieveOpened {
  readonly shelf: ScriptShelf;
  /** What runs as people change mailboxes; undefined: scripts are off. */
  readonly imapScripts: ImapScripts | undefined;
}

/** From here on the shard's deliveries run scripts, where they are on. */
export function openSieve(parts: SieveParts): SieveOpened {
  const { engine, store, mailboxes, tree, spool, derived, policy, lessons, resolve, addressOf } =
    parts;
  const { clock, ids, log } = engine;
  const { sieve, scanners } = engine.settings;
  const hasScanners = scanners.list.length > 0;
  const shard = () => store;
  const shelf: ScriptShelf = new ScriptShelf({
    ...{ shard, mailboxes, limits: sieve },
    nowMs: () => clock.nowMs(),
    changed: (account) => filters.changed(account),
  });
  const { names } = mailboxes;
  const memory = new SieveMemory(shard);
  const host = {
    ...{ names, memory, shard },
    hostname: () => policy().snapshot.hostname,
    serverScripts: () => policy().sieve,
  };
  const filters: AccountFilters = new AccountFilters({
    ...{ shelf, derived, ...host },
    ...{ isOn: sieve.isOn, redirects: sieve.redirects, hasScanners },
    ...(lessons === undefined ? {} : { lessons }),
    policy: () => policy().snapshot,
    log: log.with({ shard: store.id }),
  });
  const rates = new SentRates({
    ...{ clock, perHourMax: sieve.sentPerHourMax },
    onOver: (account) => log.warn({ account }, 'scripts of an account send more than they may'),
  });
  const outgoing = { policy, clock, resolve, rates, nextId: () => ids.next() };
  mailboxes.deliverer.filters = { filters, memory, names, tree, outgoing, spool };
  if (!sieve.isOn) return { shelf, imapScripts: undefined };
  const { redirects } = sieve;
  const imapScripts = new ImapScripts({
    ...{ ...host, shard, mailboxes, clock, addressOf },
    scriptOf: (account, name) => filters.named(account, name),
    actions: new ImapActions({ mailboxes, tree, memory, outgoing, spool, redirects }),
    log: log.with({ shard: store.id }),
  });
  return { shelf, imapScripts };
}
