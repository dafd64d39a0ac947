/**
 * Opens one shard with its actors: store, spool, accounts, event log.
 *
 * Runs in: engine threads.
 */

import {
  accountFullNotice,
  type ShardRefusal,
  shardRefusalNotice,
} from '../actors/asks/engine-asks.ts';
import { mailboxChangedNotice } from '../actors/asks/imap-asks.ts';
import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import { Stamps } from '../actors/stamps.ts';
import { Watched } from '../actors/watched.ts';
import type { ShardId } from '../base/ids.ts';
import { ShardWaiting } from '../base/waiting-words.ts';
import type { Settings } from '../settings/schema.ts';
import { type EngineParts, shardFolder } from './engine-parts.ts';
import { EventLog } from './events/event-log.ts';
import { JournalFollower } from './events/journal-follower.ts';
import { shardEvents } from './events/message-events.ts';
import { notedKind } from './events/noted.ts';
import { shareOfEvents } from './events/share.ts';
import { toldKind } from './feedback/records.ts';
import { deliverHere } from './local-delivery.ts';
import { ChangeNotices } from './mailbox/change-notices.ts';
import type { DerivedMemory } from './mailbox/derived-memory.ts';
import { History } from './mailbox/history.ts';
import { ImapDesk } from './mailbox/imap/desk.ts';
import { Mailboxes } from './mailbox/mailboxes.ts';
import { Quarantine } from './mailbox/quarantine/quarantine.ts';
import { Snoozes } from './mailbox/snooze/snoozes.ts';
import { Lessons } from './mailbox/spam/lessons.ts';
import { stampChanges } from './mailbox/stamping.ts';
import type { Policy } from './pipeline/policy.ts';
import type { OpenShardFunction } from './shards.ts';
import { openSieve, type SieveParts } from './sieve.ts';
import type { BodyBudget } from './spool/body-budget.ts';
import type { MessageEvents } from './spool/events.ts';
import type { Holds } from './spool/holds.ts';
import { InHand } from './spool/in-hand.ts';
import { spoolLimits } from './spool/limits.ts';
import { type Attempt, Spool } from './spool/spool.ts';
import { spoolKinds } from './spool/spool-kinds.ts';
import { IndexTurns } from './store/index-turns.ts';
import { Shard } from './store/shard.ts';
import { KeyRing } from './store/vault/key-ring.ts';
import { transitAccount, Vault } from './store/vault/vault.ts';

export interface OpenerParts {
  readonly engine: EngineParts;
  readonly bodies: BodyBudget;
  /** Of all shards of the thread. */
  readonly derived: DerivedMemory;
  readonly attempt: Attempt;
  readonly holds: Holds;
  /** What all shards of the thread do with their events: log lines and counters. */
  readonly logged: MessageEvents;
  readonly policy: () => Policy;
  /** Where mail for an address goes. */
  readonly resolve: (address: string) => Promise<readonly PackedRecipient[]>;
  /** An address of an account; undefined: it has none any more. */
  readonly addressOf: (account: number) => Promise<string | undefined>;
}

/** Where events go that are not kept. */
const nowhere = { append: () => {} };

export function createShardOpener(parts: OpenerParts): OpenShardFunction {
  const { engine, bodies, derived, attempt, holds, logged } = parts;
  const { settings, clock, random, log } = engine;
  const undelivered = new Int32Array(engine.undelivered);
  const stamps = new Stamps(engine.stamps);
  const turns = new IndexTurns();
  return async (shard) => {
    const mailboxes: Mailboxes = new Mailboxes({
      clock,
      derived,
      keepExpungedMs: settings.mailbox.expungedKeepMs,
      onFull: (account, isFull) => engine.notice(accountFullNotice, { account, isFull }),
      onChange: (account, mailbox, tenant) => {
        changes.changed(account, mailbox);
        history.changed(account, tenant);
      },
    });
    const { eventLog, follower } = createEventLog(engine, shard);
    const events = shardEvents(logged, settings.store.events ? eventLog : nowhere, clock);
    const inHand = new InHand(engine.inHand, shard);
    const spool = new Spool({
      ...{ clock, events, bodies, attempt, inHand },
      isHeld: (group) => holds.isGroup(group),
      isRuled: (message) => holds.holdsOpen(message),
      limits: { ...spoolLimits, activeCountMax: settings.memory.queueCountMax },
      onUndelivered: (count) => Atomics.store(undelivered, shard, count),
      onWaiting: new ShardWaiting(engine.waiting, shard).add,
    });
    const { vault, keys } = await openKeys(engine, shard);
    const store = await Shard.open({
      id: shard,
      folder: shardFolder(settings.data.dir, shard),
      disk: engine.disk,
      index: await engine.openIndex(shard),
      kinds: [...spoolKinds(spool), toldKind, notedKind, ...mailboxes.kinds],
      ...{ clock, random, turns, vault },
      log: log.with({ shard }),
      epochs: engine.epochs,
      indexFloor: () => spool.indexFloor(),
      onChanges: (changes) => stampChanges(stamps, changes),
      onWritten: (drafts, places) => follower.onWritten(drafts, places),
      onRefusal: (refusal) =>
        engine.notice(shardRefusalNotice, { shard, refusal } satisfies ShardRefusal),
      limits: storeLimits(settings),
    });
    startEvents(settings, store, follower, eventLog);
    const imap = new ImapDesk(store, mailboxes, clock);
    const keptMax = settings.mailbox.changesKeptMax;
    const history = new History({ shard: store, mailboxes, clock, keptMax });
    const changes = createNotices(engine, imap, store);
    const own = openOwn(parts, { store, mailboxes, spool, tree: imap.tree });
    return {
      ...{ store, spool, mailboxes, imap, history, ...own },
      ...{ keys, eventLog, follower, events },
      deliverHere: (message, packed, bytes) =>
        deliverHere(mailboxes, spool, events, message, packed, bytes),
    };
  };
}

/** What goes on in accounts besides deliveries and commands. */
function openOwn(
  { engine, derived, policy, resolve, addressOf }: OpenerParts,
  opened: Pick<SieveParts, 'store' | 'mailboxes' | 'spool' | 'tree'>,
) {
  const { settings, clock, log } = engine;
  const { store, mailboxes, tree } = opened;
  const isShared = settings.spam.tenantLessons;
  const lessons = settings.spam.learn
    ? new Lessons({ shard: store, mailboxes, clock, isShared })
    : undefined;
  const asked = { policy, resolve, addressOf };
  const { shelf, imapScripts } = openSieve({ engine, ...opened, derived, lessons, ...asked });
  mailboxes.watches = [lessons, imapScripts].filter((watch) => watch !== undefined);
  const snoozes = new Snoozes({ shard: store, mailboxes, tree, clock, log });
  const { keepMs } = settings.quarantine;
  const quarantine = new Quarantine({ shard: store, mailboxes, clock, keepMs, lessons });
  return { scripts: shelf, imapScripts, lessons, snoozes, quarantine };
}

function storeLimits({ store, data }: Settings) {
  const { segmentBytesMax, groupBytesMax } = store;
  const { diskFreeBytesMin, reserveBytes } = data;
  return { segmentBytesMax, groupBytesMax, diskFreeBytesMin, reserveBytes };
}

/** Keys are at hand before the journal is read: what is not is left unapplied, and its account without answers. */
async function openKeys(
  { settings, disk, keySource: source, random, log }: EngineParts,
  shard: ShardId,
): Promise<{ readonly vault: Vault; readonly keys: KeyRing }> {
  const vault = new Vault();
  const folder = `${shardFolder(settings.data.dir, shard)}/keys`;
  const keys = new KeyRing({ disk, folder, source, random, log: log.with({ shard }), vault });
  await keys.load();
  const { transitKey } = settings.store;
  if (transitKey !== '') await keys.create(transitAccount, transitKey);
  return { vault, keys };
}

function startEvents(
  { store: { events } }: Settings,
  store: Shard,
  follower: JournalFollower,
  eventLog: EventLog,
): void {
  // A damaged shard writes nothing, and nothing more happens to its mail.
  if (events && store.status().readOnlyReason === undefined) void follower.begin(store);
  else void eventLog.start();
}

function createNotices(engine: EngineParts, imap: ImapDesk, store: Shard): ChangeNotices {
  const notices = new ChangeNotices({
    clock: engine.clock,
    watched: new Watched(engine.watched),
    reader: imap.reader,
    shard: store,
    notice: (change) => engine.notice(mailboxChangedNotice, change),
  });
  imap.opened = (account, mailbox) => notices.opened(account, mailbox);
  return notices;
}

function createEventLog(
  { settings, disk, clock, log }: EngineParts,
  shard: ShardId,
): { eventLog: EventLog; follower: JournalFollower } {
  const { data, store } = settings;
  const bytesMax = () => shareOfEvents(disk, `${data.dir}/shards`, store.eventsBytesMax);
  const eventLog: EventLog = new EventLog({
    folder: shardFolder(data.dir, shard),
    shard,
    disk,
    clock,
    log: log.with({ shard }),
    keep: async () => ({ keepMs: store.eventsKeepMs, bytesMax: await bytesMax() }),
    onSynced: (position) => follower.onSynced(position),
    onFault: () => follower.onFault(),
  });
  const follower: JournalFollower = new JournalFollower({
    ...{ eventLog, clock },
    log: log.with({ shard }),
  });
  return { eventLog, follower };
}
