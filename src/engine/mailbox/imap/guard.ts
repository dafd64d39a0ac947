/**
 * Who asks: each ask of a session names its reader, and none is answered before the reader's right to it is known.
 *
 * Runs in:   the engine thread that owns the shard of the account that is asked about.
 * Specs:     RFC 4314 §4 (which rights a command needs), §6 (what may be told).
 * Invariant: an ask that names no reader is not answered, whatever it asks; one without a rule does not compile. An
 *            account of another tenant has no rights, whatever a list says.
 */

import type { ArrivedAsk, Handler, Handlers } from '../../../actors/ask.ts';
import {
  accountIn,
  type ImapAsk,
  imapAsks,
  type PackedAppend,
  type PackedCopy,
  type PackedRead,
  type PackedSetMetadata,
  type PackedStore,
  type PackedView,
} from '../../../actors/asks/imap-asks.ts';
import { failure, failureOf, MailError } from '../../../base/errors.ts';
import { changing, flagsAllowed, noRights, rights } from '../../../mail/wire/imap/rights.ts';
import { inboxMailbox } from '../account-actor.ts';
import type { ImapDesk } from './desk.ts';
import { Rights } from './rights.ts';

/** Throws where the reader may not; of the owner nothing is asked. */
type Rule = (seat: Seat, meta: never) => void;

interface Seat {
  readonly desk: ImapDesk;
  readonly rights: Rights;
  readonly account: number;
}

export interface SeatedAsk extends ArrivedAsk {
  readonly desk: ImapDesk;
}

export type SeatedHandler = (ask: SeatedAsk, room: Parameters<Handler>[1]) => ReturnType<Handler>;

type OfPath = readonly [owner: unknown, path: string];
type OfView = readonly [owner: unknown, view: PackedView];
type OfMailbox = readonly [owner: unknown, mailbox: number];

export function guarded(
  deskOf: (ask: ArrivedAsk) => ImapDesk | undefined,
  handlers: Readonly<Record<ImapAsk, SeatedHandler>>,
): Handlers {
  const all = Object.values(imapAsks).map((name): [ImapAsk, Handler] => {
    const handler = handlers[name];
    const guard: Handler = (ask, room) => {
      const desk = deskOf(ask);
      if (desk === undefined) {
        return failure('not-possible-now', `shard ${ask.shard} is not open here`);
      }
      try {
        return handler(seated(name, desk, ask), room);
      } catch (error) {
        return failureOf(error);
      }
    };
    return [name, guard];
  });
  return Object.fromEntries(all);
}

/** The ask without its reader, and the desk as the reader sees it. @throws MailError `not-found`, `permission-missing` */
function seated(name: ImapAsk, desk: ImapDesk, ask: ArrivedAsk): SeatedAsk {
  const [reader, tenant, meta, groups = []] = ask.meta as PackedRead;
  if (typeof reader !== 'number' || !Array.isArray(meta)) {
    throw new MailError('argument-invalid', 'an ask without a reader');
  }
  const account = accountIn(meta);
  if (reader === account) return { ...ask, meta, desk };
  const own = new Rights(desk.shard, account, { account: reader, tenant, groups });
  rules[name]({ desk, rights: own, account }, meta as never);
  return { ...ask, meta, desk: desk.forReader(own) };
}

const anything: Rule = () => {};

/** A mailbox of this account and path; 0: there is none. */
function numberOf({ desk, account }: Seat, path: string): number {
  return desk.tree.find(account, path)?.mailbox ?? 0;
}

const path =
  (wanted: number): Rule =>
  (seat, meta: OfPath) =>
    seat.rights.mustHave(numberOf(seat, meta[1]), wanted);

const view =
  (wanted: number): Rule =>
  (seat, meta: OfView) =>
    seat.rights.mustHave(meta[1][0], wanted);

const mailbox =
  (wanted: number): Rule =>
  (seat, meta: OfMailbox) =>
    seat.rights.mustHave(meta[1], wanted);

/** RFC 4314 §4: `k` on the nearest level there is. What is refused is so whether it is there or not. */
const mayCreate = (seat: Seat, wanted: string): void => {
  if (!seat.rights.isOwner && (seat.rights.of(nearest(seat, wanted)) & rights.create) === 0) {
    throw new MailError('permission-missing', 'no right to create');
  }
};

/** The lowest mailbox above a path; 0: there is none. */
export function nearest({ desk, account }: Omit<Seat, 'rights'>, wanted: string): number {
  for (let at = wanted.lastIndexOf('/'); at > 0; at = wanted.lastIndexOf('/', at - 1)) {
    const found = desk.tree.find(account, wanted.slice(0, at));
    if (found !== undefined) return found.mailbox;
  }
  return 0;
}

export const annotationRights =
  rights.read | rights.seen | rights.write | rights.insert | rights.post;

/** RFC 5464 §3: `l`, and any right to what is in it. Shared entries are written by those who may write flags. */
const mayAnnotate = (seat: Seat, one: string, writes: boolean): void => {
  // The server's entries are those of the account that asks.
  if (one === '') seat.rights.refuse(0);
  const number = numberOf(seat, one);
  seat.rights.mustHave(number, rights.lookup | (writes ? rights.write : 0));
  seat.rights.mustHaveAny(number, annotationRights);
};

/** Where to: `i`; told apart by `may-create` where the reader may make what is missing. */
const mayInsert = (seat: Seat, to: string): void => {
  const number = numberOf(seat, to);
  if (number === 0 && (seat.rights.of(nearest(seat, to)) & rights.create) !== 0) return;
  seat.rights.mustHave(number, rights.insert);
};

/** What a URL names and what is replaced are looked up by the same actor: those are the owner's to use. */
const mayAppend = (seat: Seat, [, to, , , messages, replaced]: PackedAppend): void => {
  const hasUrls = messages.some(([, , , parts]) => parts.some((part) => Array.isArray(part)));
  if (hasUrls) seat.rights.refuse(noRights);
  if (replaced !== null) {
    const [[number]] = replaced;
    seat.rights.mustHave(number, rights.deleteMessages | rights.expunge);
  }
  mayInsert(seat, to);
};

/** RFC 4314 §4 (STORE): any of the flags may be changed; those that may not are left as they are. */
const mayStore = (seat: Seat, meta: PackedStore): void => {
  const [, [number], , , op, flags, keywords] = meta;
  const had = seat.rights.of(number);
  if ((had & rights.read) === 0) seat.rights.refuse(had);
  const allowed = flagsAllowed(had);
  const isAnyMeant = op === 'replace' || (flags === 0 && keywords.length === 0);
  const wanted = isAnyMeant ? -1 : flags;
  const isAny = (allowed & wanted) !== 0 || (keywords.length > 0 && (had & rights.write) !== 0);
  if (!isAny) seat.rights.refuse(had);
};

const mayCopy = (seat: Seat, meta: PackedCopy): void => {
  const [, [number], , , to, isMove] = meta;
  const taking = isMove ? rights.deleteMessages | rights.expunge : 0;
  seat.rights.mustHave(number, rights.read | taking);
  mayInsert(seat, to);
};

/** RFC 3501 §2.3.2: what only those end who may change something, as their SELECT is READ-WRITE. */
const mayEndRecent = (seat: Seat, [, number]: OfMailbox): void => {
  seat.rights.mustHave(number, rights.read);
  seat.rights.mustHaveAny(number, changing);
};

/** INBOX stays, and its messages go where others may have more rights: that is a MOVE of all of them. */
const mayRename = (seat: Seat, meta: readonly [unknown, string, string]): void => {
  const number = numberOf(seat, meta[1]);
  const { read, deleteMessages, expunge } = rights;
  const moving = number === inboxMailbox ? read | deleteMessages | expunge : 0;
  seat.rights.mustHave(number, rights.deleteMailbox | moving);
  mayCreate(seat, meta[2]);
};

const rules: Readonly<Record<ImapAsk, Rule>> = {
  // What it tells is what may be seen.
  [imapAsks.list]: anything,
  // A way of the owner's sessions alone: it looks at no rights.
  [imapAsks.listNamed]: (seat) => seat.rights.refuse(noRights),
  [imapAsks.listMetadata]: anything,
  [imapAsks.open]: path(rights.read),
  [imapAsks.create]: (seat, meta: OfPath) => mayCreate(seat, meta[1]),
  [imapAsks.delete]: path(rights.deleteMailbox),
  [imapAsks.rename]: mayRename,
  // Subscriptions are the reader's own, and stand in the reader's account.
  [imapAsks.subscribe]: (seat) => seat.rights.refuse(0),
  [imapAsks.recentTold]: mayEndRecent,
  [imapAsks.recentCount]: view(rights.read),
  [imapAsks.sync]: view(rights.read),
  [imapAsks.vanished]: view(rights.read),
  [imapAsks.fetch]: view(rights.read),
  [imapAsks.search]: view(rights.read),
  [imapAsks.sort]: view(rights.read),
  [imapAsks.thread]: view(rights.read),
  [imapAsks.context]: view(rights.read),
  [imapAsks.newest]: view(rights.read),
  [imapAsks.batches]: view(rights.read),
  [imapAsks.store]: mayStore,
  // A way of the owner's sessions alone: it looks at no rights of single flags.
  [imapAsks.storeMany]: (seat) => seat.rights.refuse(noRights),
  [imapAsks.expunge]: view(rights.expunge),
  [imapAsks.copy]: mayCopy,
  [imapAsks.append]: mayAppend,
  [imapAsks.readMessages]: view(rights.read),
  [imapAsks.takeOut]: view(rights.deleteMessages | rights.expunge),
  // It takes back only what its ids were given for.
  [imapAsks.takeBack]: path(rights.insert),
  [imapAsks.quota]: (seat, meta: readonly [unknown, string?]) => {
    // Without a path the whole account is meant: its owner's business.
    seat.rights.mustHave(meta[1] === undefined ? 0 : numberOf(seat, meta[1]), rights.read);
  },
  [imapAsks.deletedBytes]: mailbox(rights.read),
  [imapAsks.getMetadata]: (seat, meta: OfPath) => mayAnnotate(seat, meta[1], false),
  [imapAsks.setMetadata]: (seat, [, one, values]: PackedSetMetadata) =>
    mayAnnotate(
      seat,
      one,
      values.some(([entry]) => entry.startsWith('/shared')),
    ),
  [imapAsks.changedMetadata]: mailbox(rights.read),
  [imapAsks.getAcl]: path(rights.administer),
  [imapAsks.setAcl]: path(rights.administer),
  [imapAsks.myRights]: (seat, meta: OfPath) => seat.rights.mustHaveAny(numberOf(seat, meta[1]), -1),
};
