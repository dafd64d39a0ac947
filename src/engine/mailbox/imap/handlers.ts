/**
 * Answers asks of IMAP sessions.
 *
 * Runs in:   engine threads.
 * Invariant: no ask holds its parcel for long: what reads bodies, works in slices or writes many records leaves it.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../../actors/ask.ts';
import {
  type Copied,
  type ImapAsk,
  type ImapList,
  imapAsks,
  type OpenedMailbox,
  type PackedCopy,
  type PackedFetch,
  type PackedOwner,
  type PackedRecentCount,
  type PackedStore,
  type PackedStores,
  type PackedSync,
  type PackedVanished,
  type Stored,
} from '../../../actors/asks/imap-asks.ts';
import type {
  PackedBatches,
  PackedContext,
  PackedNewest,
  PackedSearch,
  PackedSort,
  PackedThread,
} from '../../../actors/asks/imap-search-asks.ts';
import type { MailboxInfo } from '../../../actors/asks/mailbox-asks.ts';
import { failureOf, MailError } from '../../../base/errors.ts';
import { star } from '../../../mail/wire/imap/sequence-set.ts';
import { mailboxInfo } from '../handlers.ts';
import { keywordsMax, type Role } from '../rows/mailbox-row.ts';
import type { IdRanges } from '../rows/uid-ranges.ts';
import { made, ok, ownerOf, rightsOf, type Work, withBody, withPieces } from './answering.ts';
import { contextUpdate } from './context.ts';
import type { ImapDesk } from './desk.ts';
import { expungeDeleted } from './expunge.ts';
import { fetch } from './fetch.ts';
import { guarded, type SeatedAsk, type SeatedHandler } from './guard.ts';
import { uidRangesOf } from './messages.ts';
import { batches, newest } from './newest.ts';
import { noteTold, recentCount } from './recent.ts';
import { search } from './search.ts';
import { copyFlags, targetOf, visible } from './shared-mailboxes.ts';
import { sharingHandlers } from './sharing-handlers.ts';
import { sort } from './sort.ts';
import { storeMany } from './store-many.ts';
import { flagModseqAfter, sync, vanished } from './sync.ts';
import { thread } from './thread.ts';

/**
 * An ask that may touch more messages goes in several records, each with a sync of its own: it leaves its parcel, or
 * all others of the shard would wait for it.
 */
const heldUidsMax = 200;

export function imapHandlers(
  deskOf: (ask: ArrivedAsk) => ImapDesk | undefined,
  /** Of large messages too: `bodies/append-handler.ts`. */
  append: SeatedHandler,
): Handlers {
  return guarded(deskOf, allHandlers(append));
}

function allHandlers(append: SeatedHandler): Readonly<Record<ImapAsk, SeatedHandler>> {
  const answered = (work: Work, ask: SeatedAsk): Promise<Answer> => run(work, ask.desk, ask);
  const writer = (work: Work) => (ask: SeatedAsk) => answered(work, ask);
  const stepper =
    (work: Work, countOf: (ask: ArrivedAsk, desk: ImapDesk) => number) => (ask: SeatedAsk) => {
      const isLong = countOf(ask, ask.desk) > heldUidsMax;
      const answer = answered(work, ask);
      return isLong ? { pending: answer } : answer;
    };
  const reader = (work: Work) => (ask: SeatedAsk) => ({ pending: answered(work, ask) });
  const sharing = sharingHandlers(writer, reader);
  return {
    [imapAsks.list]: writer(list),
    [imapAsks.listNamed]: writer(listNamed),
    [imapAsks.open]: writer(open),
    [imapAsks.create]: writer(create),
    [imapAsks.delete]: reader(remove),
    [imapAsks.rename]: reader(rename),
    [imapAsks.subscribe]: writer(subscribe),
    [imapAsks.recentTold]: reader(recentTold),
    [imapAsks.recentCount]: reader(async (desk, ask) =>
      ok(await recentCount(desk, ask.meta as PackedRecentCount)),
    ),
    [imapAsks.sync]: writer(synced),
    [imapAsks.vanished]: reader(async (desk, ask) =>
      ok(await vanished(desk, ask.meta as PackedVanished)),
    ),
    // What is at hand is told within the turn: by the port it would cost a message more.
    [imapAsks.fetch]: (ask) => {
      const answer = fetch(ask.desk, ask.meta as PackedFetch);
      if (!(answer instanceof Promise)) return withPieces(answer);
      return { pending: answered(async () => withPieces(await answer), ask) };
    },
    [imapAsks.store]: stepper(store, namedCount),
    [imapAsks.storeMany]: writer(storesJoined),
    [imapAsks.expunge]: stepper(expunge, deletedCount),
    [imapAsks.copy]: stepper(copy, namedCount),
    [imapAsks.append]: append,
    [imapAsks.search]: reader(async (desk, ask) =>
      withBody(await search(desk, ask.meta as PackedSearch, ask.deadlineMs)),
    ),
    [imapAsks.sort]: reader(async (desk, ask) =>
      withBody(await sort(desk, ask.meta as PackedSort, ask.deadlineMs)),
    ),
    [imapAsks.thread]: reader(async (desk, ask) => {
      const body = await thread(desk, ask.meta as PackedThread, ask.deadlineMs);
      return { ok: true, value: undefined, body };
    }),
    [imapAsks.context]: reader(async (desk, ask) =>
      ok(await contextUpdate(desk, ask.meta as PackedContext, ask.deadlineMs)),
    ),
    [imapAsks.newest]: reader(async (desk, ask) =>
      ok(await newest(desk, ask.meta as PackedNewest)),
    ),
    [imapAsks.batches]: reader(async (desk, ask) =>
      ok(await batches(desk, ask.meta as PackedBatches)),
    ),
    ...sharing,
  };
}

/** STORE, COPY: how many messages the set could name. */
function namedCount({ meta }: ArrivedAsk): number {
  const [, , , set] = meta as PackedStore | PackedCopy;
  let count = 0;
  for (let i = 0; i < set.length; i += 2) {
    const [a, b] = [set[i]!, set[i + 1]!];
    if (a !== b && (a === star || b === star)) return Number.POSITIVE_INFINITY;
    count += Math.abs(b - a) + 1;
  }
  return count;
}

function deletedCount({ meta }: ArrivedAsk, desk: ImapDesk): number {
  const [[account], [mailbox]] = meta as readonly [PackedOwner, PackedSync[1]];
  return desk.reader.mailbox(account, mailbox)?.deleted ?? 0;
}

async function run(work: Work, desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  try {
    return await work(desk, ask);
  } catch (error) {
    return failureOf(error);
  }
}

async function list(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const owner = ask.meta as PackedOwner;
  if (desk.rights !== undefined) return ok(visible(desk, owner[0]));
  await made(desk, owner);
  const mailboxes = desk.reader.mailboxes(owner[0]).map(mailboxInfo);
  return ok({ mailboxes, subscribed: desk.tree.subscribed(owner[0]) } satisfies ImapList);
}

async function listNamed(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, paths] = ask.meta as readonly [PackedOwner, readonly string[]];
  await made(desk, owner);
  const [account] = owner;
  const mailboxes: MailboxInfo[] = [];
  for (const mailbox of desk.tree.around(account, paths)) {
    const row = desk.reader.mailbox(account, mailbox);
    if (row !== undefined) mailboxes.push(mailboxInfo({ mailbox, row }));
  }
  const subscribed = paths.filter((path) => desk.tree.isSubscribed(account, path));
  return ok({ mailboxes, subscribed } satisfies ImapList);
}

async function open(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, wantsUnseen] = ask.meta as readonly [PackedOwner, string, boolean?];
  await made(desk, owner);
  const [account] = owner;
  const { mailbox } = desk.tree.get(account, path);
  // By the desk's own reader: what is unseen is so for who asks.
  const row = desk.reader.mailbox(account, mailbox)!;
  const { keywords } = row;
  desk.opened(account, mailbox);
  const rights = rightsOf(desk, mailbox);
  const first = wantsUnseen === true ? desk.firstUnseen({ account, mailbox }, row) : undefined;
  const unseen = first === undefined ? {} : { firstUnseen: first };
  const info = mailboxInfo({ mailbox, row });
  return ok({ info, keywords, rights, ...unseen } satisfies OpenedMailbox);
}

async function recentTold(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, mailbox, uidNext] = ask.meta as readonly [PackedOwner, number, number];
  await noteTold(desk, ownerOf(owner), mailbox, uidNext);
  return ok();
}

async function create(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, role] = ask.meta as readonly [PackedOwner, string, Role];
  await made(desk, owner);
  return ok(await desk.tree.create(ownerOf(owner), path, role, ask.key));
}

async function remove(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path] = ask.meta as readonly [PackedOwner, string];
  await made(desk, owner);
  await desk.tree.delete(ownerOf(owner), path, ask.key);
  return ok();
}

async function rename(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, newPath] = ask.meta as readonly [PackedOwner, string, string];
  await made(desk, owner);
  await desk.tree.rename(ownerOf(owner), path, newPath, ask.key);
  return ok();
}

async function subscribe(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, isOn] = ask.meta as readonly [PackedOwner, string, boolean];
  await made(desk, owner);
  await desk.tree.subscribe(ownerOf(owner), path, isOn);
  return ok();
}

async function synced(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  return withBody(await sync(desk, ask.meta as PackedSync));
}

async function store(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const packed = ask.meta as PackedStore;
  const [owner, packedView, isUid, set, op, flags, keywords, flagModseq, ...rest] = packed;
  const [keywordCount, unchangedSince, tellsNumbers = !isUid] = rest;
  const { account, tenant } = ownerOf(owner);
  const [mailbox, modseq, uidNext] = packedView;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  const wanted = uidRangesOf(view, set, isUid);
  const modseqs: number[] = [];
  const before = desk.reader.mailbox(account, mailbox)?.keywords ?? [];
  const known = knownKeywords(keywords, before, op === 'remove');
  const modified: number[] = [];
  const named = { mailbox, uids: wanted, op, flags, keywords: known };
  const change = { ...named, modseqs, unchangedSince, modified };
  const uids = await desk.flags.storeFlags(account, tenant, change);
  const place = { account, mailbox };
  const after = flagModseqAfter(desk.shard, place, flagModseq, uidNext, modseqs);
  const all = desk.reader.mailbox(account, mailbox)?.keywords ?? [];
  const told = all.length > keywordCount ? { keywords: all } : {};
  const left = tellsNumbers ? view.sequencesOf(modified) : modified;
  return ok({ uids, flagModseq: after, modified: left, ...told } satisfies Stored);
}

async function storesJoined(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  return withBody(await storeMany(desk, ask.meta as PackedStores));
}

/**
 * RFC 9051 §2.3.2: keywords are the same in any case; the mailbox keeps the first spelling.
 * @throws MailError `not-possible-now` where it has no room for a new one
 */
export function knownKeywords(
  keywords: readonly string[],
  known: readonly string[],
  isRemoval: boolean,
): readonly string[] {
  const spellings = new Map<string, string>();
  for (const one of known) {
    const folded = one.toLowerCase();
    if (!spellings.has(folded)) spellings.set(folded, one);
  }
  let room = keywordsMax - known.length;
  return keywords.map((keyword) => {
    const folded = keyword.toLowerCase();
    const same = spellings.get(folded);
    if (same !== undefined) return same;
    if (!isRemoval && room-- <= 0) {
      throw new MailError('not-possible-now', 'no room for another keyword');
    }
    spellings.set(folded, keyword);
    return keyword;
  });
}

async function expunge(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, packedView, set, countMax = Number.POSITIVE_INFINITY] = ask.meta as readonly [
    PackedOwner,
    PackedSync[1],
    number[]?,
    number?,
  ];
  const { account, tenant } = ownerOf(owner);
  const [mailbox, modseq, uidNext] = packedView;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  const uids = set === undefined ? [1, Math.max(1, uidNext - 1)] : uidRangesOf(view, set, true);
  return ok(await expungeDeleted(desk, { account, tenant }, mailbox, uids, countMax));
}

async function copy(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, packedView, isUid, set, path, isMove, id] = ask.meta as PackedCopy;
  const { account, tenant } = ownerOf(owner);
  const [mailbox, modseq, uidNext] = packedView;
  const view = await desk.views.view({ account, mailbox, modseq, uidNext });
  const uids = uidRangesOf(view, set, isUid);
  const target = targetOf(desk, account, path);
  const from = { mailbox, uids };
  const to = target.mailbox;
  const flagsOf = (sources: IdRanges) => copyFlags(desk, { account, mailbox }, to, sources);
  const copied = await desk.mailboxes.copy(account, tenant, from, to, isMove, { id, flagsOf });
  return ok({ ...copied, uidValidity: target.row.uidValidity } satisfies Copied);
}
