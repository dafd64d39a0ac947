/**
 * Asks of IMAP sessions to the actor of their account, packed.
 *
 * Runs in:   both sides; plain data only.
 * Specs:     RFC 9051 and RFC 3501; each ask names its commands.
 * Invariant: the actor of each is the account (`accountActor`). An ask about a selected mailbox brings what its
 *            session believes (`PackedView`); the engine keeps nothing of a session but leases of long answers.
 */

import type { SectionText } from '../../mail/wire/imap/parse-section.ts';
import type { MailboxInfo } from './mailbox-asks.ts';

export type ImapAsk = (typeof imapAsks)[keyof typeof imapAsks];

export const imapAsks = {
  /** meta: `PackedOwner`. Answer: `ImapList`. LIST, LSUB, and what needs names. */
  list: 'imap.list',
  /**
   * meta: `[owner, paths]`. Answer: `ImapList` of the mailboxes with these paths, those above them, and one below each
   * that has any; of the subscriptions, these paths. LIST without wildcards.
   */
  listNamed: 'imap.listNamed',
  /**
   * meta: `[owner, path, wantsUnseen?]`. Answer: `OpenedMailbox`, or `not-found`. SELECT, EXAMINE, STATUS; the first
   * two want the number of the first message without \Seen.
   */
  open: 'imap.open',
  /** meta: `[owner, path, role]`. Answer: the number made. CREATE. `argument-invalid`: another has the role. */
  create: 'imap.create',
  /** meta: `[owner, path]`. DELETE. `not-possible-now`: it has children. */
  delete: 'imap.delete',
  /** meta: `[owner, path, newPath]`. RENAME. */
  rename: 'imap.rename',
  /** meta: `[owner, path, isOn]`. SUBSCRIBE, UNSUBSCRIBE. */
  subscribe: 'imap.subscribe',
  /** meta: `[owner, mailbox, uidNext]`: sessions were told of all messages below (RFC 3501 §2.3.2). */
  recentTold: 'imap.recentTold',
  /** meta: `PackedRecentCount`. Answer: messages of the view from that UID on. */
  recentCount: 'imap.recentCount',
  /** meta: `PackedSync`. Answer: `Synced`, body: untagged responses. What changed since. */
  sync: 'imap.sync',
  /** meta: `PackedVanished`. Answer: UID ranges, ascending. QRESYNC. */
  vanished: 'imap.vanished',
  /** meta: `PackedFetch`. Answer: `Fetched`, body: untagged FETCH responses, maybe cut within a literal. */
  fetch: 'imap.fetch',
  /** meta: `PackedStore`. Answer: `Stored`. */
  store: 'imap.store',
  /** meta: `PackedStores`. Answer: `StoredMany`, body: untagged FETCH responses. STOREs that came together: one sync. */
  storeMany: 'imap.storeMany',
  /**
   * meta: `[owner, view, set?, countMax?]`; absent: all. Takes out what is \Deleted. Answer: 0, or where there was more
   * the lowest UID taken out.
   */
  expunge: 'imap.expunge',
  /** meta: `PackedCopy`. Answer: `Copied`. COPY, MOVE. `not-found` is of the target. */
  copy: 'imap.copy',
  /** meta: `PackedAppend`, body: texts. Answer: `Appended`, `BadUrl`, `MessageGone`. `not-found` is of the mailbox. APPEND, REPLACE. */
  append: 'imap.append',
  /** meta: `PackedSearch`. Answer: `Found`. Class `long` where messages are read. */
  search: 'imap.search',
  /** meta: `[owner, path?]`. Answer: `AccountUse`; `not-found` where the path is none. GETQUOTA, GETQUOTAROOT. */
  quota: 'imap.quota',
  /** meta: `[owner, mailbox]`. Answer: octets that EXPUNGE would give back. STATUS (DELETED-STORAGE). */
  deletedBytes: 'imap.deletedBytes',
  /** meta: `PackedReadMessages`. Answer: `MessageRecord[]`, body: the messages. COPY to another account. */
  readMessages: 'imap.readMessages',
  /** meta: `[owner, view, uids]`. Takes them out, \Deleted or not. MOVE to another account. */
  takeOut: 'imap.takeOut',
  /** meta: `[owner, path, PackedAppendName[]]`. Takes out what these appends put there. */
  takeBack: 'imap.takeBack',
  /** meta: `[owner, path]`. Answer: `AclEntryValue[]`. GETACL. */
  getAcl: 'imap.getAcl',
  /** meta: `[owner, path, PackedSetAcl]`. Answer: whether any list names the identifier. SETACL, DELETEACL. */
  setAcl: 'imap.setAcl',
  /** meta: `[owner, path]`. Answer: the reader's rights. MYRIGHTS. */
  myRights: 'imap.myRights',
  /** meta: `PackedGetMetadata`. Answer: `FoundMetadata`. GETMETADATA. */
  getMetadata: 'imap.getMetadata',
  /** meta: `PackedSetMetadata`. Answer: the modseq given to it. SETMETADATA. */
  setMetadata: 'imap.setMetadata',
  /** meta: `[owner, entries]`. Answer: `MetadataValue[]` by mailbox, `[mailbox, values]`. LIST … METADATA. */
  listMetadata: 'imap.listMetadata',
  /** meta: `[account, mailbox, modseq]`. Answer: names of entries that changed after `modseq`. */
  changedMetadata: 'imap.changedMetadata',
  /** meta: `PackedSort`. Answer: `Sorted`. */
  sort: 'imap.sort',
  /** meta: `PackedThread`. Body: the response. */
  thread: 'imap.thread',
  /** meta: `PackedContext`. Answer: `ContextUpdate`. */
  context: 'imap.context',
  /** meta: `PackedNewest`. Answer: `UidRanges`, or null where all fit. Commands whose messages are limited in number. */
  newest: 'imap.newest',
  /** meta: `PackedBatches`. Answer: pairs of UIDs, the higher one first. UIDBATCHES. */
  batches: 'imap.batches',
} as const;

/** Detail of `not-found` where the reader may make the mailbox that is missing (RFC 9051 §7.1: TRYCREATE). */
export const mayCreate = 'may-create';

/** Detail of `not-possible-now` where a message would be in too many places. */
export const copiesTooMany = 'copies-too-many';

/** Notice: mailboxes that somebody watches changed. Value: `MailboxChange`. */
export const mailboxChangedNotice = 'mailbox.changed';

/** In place of a mailbox's number in a notice: the account's names or subscriptions changed. */
export const mailboxTree = 0;

/** Ids of RFC 8474: for life, whatever is renamed, moved or copied. */
export const objectIds = {
  email: (document: number) => `M${document}`,
  thread: (thread: number) => `T${thread}`,
  mailbox: (mailbox: number) => `F${mailbox}`,
} as const;

/** The first two for records; the quota for an account that nobody delivered to yet. */
export type PackedOwner = readonly [
  account: number,
  tenant: number,
  quotaBytes: number,
  quotaMessages?: number,
];

/** What a session believes: messages below `uidNext` but those expunged at or before `modseq`. */
export type PackedView = readonly [mailbox: number, modseq: number, uidNext: number];

/** As parsed: `ranges` of `SequenceSet` in `mail/wire/imap/sequence-set.ts`, `*` and all. */
export type PackedSet = readonly number[];

/** Ascending ranges of UIDs, both ends included. */
export type UidRanges = readonly number[];

export interface ImapList {
  readonly mailboxes: readonly MailboxInfo[];
  /** Paths, whether there is a mailbox or not (RFC 9051 §6.3.7). */
  readonly subscribed: readonly string[];
  /** The reader's, by place in `mailboxes`; absent: all, they are the reader's own. */
  readonly rights?: readonly number[];
}

export interface OpenedMailbox {
  readonly info: MailboxInfo;
  readonly keywords: readonly string[];
  /** The reader's. */
  readonly rights: number;
  /** The number of the first message without \Seen, where it was asked for and is found without looking far. */
  readonly firstUnseen?: number;
}

export type PackedRecentCount = readonly [account: number, view: PackedView, from: number];

export type PackedSync = readonly [
  account: number,
  view: PackedView,
  /** Flags changed at or before are known to the session. */
  flagModseq: number,
  /** RFC 9051 §7.5.1: not during FETCH, STORE and SEARCH. */
  mayExpunge: boolean,
  /** The client knows so many keywords. */
  keywordCount: number,
  /** Modseqs are told with flags (RFC 7162 §3.2). */
  tellsModseq: boolean,
  /** Expunges are told as VANISHED (RFC 7162 §3.2.10). */
  tellsVanished: boolean,
  /** Changed flags are told: not to a client that asked for other events (RFC 5465). */
  tellsFlags: boolean,
  /** Messages are named by UID alone (RFC 9586). */
  isUidOnly: boolean,
  /** What is \Recent to the session; absent: it is not told of that. */
  recent?: UidRanges | undefined,
];

export interface Synced {
  readonly modseq: number;
  readonly uidNext: number;
  readonly flagModseq: number;
  /** Messages in the view as it is now. */
  readonly count: number;
  /** There is more: ask again. */
  readonly isMore: boolean;
  /** Messages that are told to have come; absent: none. */
  readonly arrived?: number;
  /** Of what is \Recent to the session, how many are told to be gone; absent: none. */
  readonly recentGone?: number;
  /** All of the mailbox, where it has more than the client knows: to be told before the responses. */
  readonly keywords?: readonly string[];
}

export type PackedVanished = readonly [
  account: number,
  view: PackedView,
  sinceModseq: number,
  /** Of these; UIDs. */
  set: PackedSet,
];

/** Bits of `PackedFetch.items`. */
export const fetchItems = {
  flags: 1,
  uid: 2,
  internalDate: 4,
  size: 8,
  envelope: 16,
  bodyStructure: 32,
  body: 64,
  preview: 128,
  emailId: 256,
  threadId: 512,
  modseq: 1_024,
  saveDate: 2_048,
  /** No item: responses are UIDFETCH, by UID (RFC 9586). */
  byUid: 4_096,
} as const;

/** `BINARY`: the part with its transfer encoding undone; `BINARY.SIZE`: how long that is. */
export type AskedText = SectionText | 'BINARY' | 'BINARY.SIZE';

/** One literal of a FETCH: a section, or a part of one. */
export type PackedSection = readonly [
  /** As it stands before the literal: `BODY[1.TEXT]<0>`. */
  label: string,
  /** `1.2`, "" is the message. */
  part: string,
  text: AskedText,
  fields: readonly string[],
  /** -1: all of it. */
  offset: number,
  length: number,
];

export type PackedFetch = readonly [
  owner: PackedOwner,
  view: PackedView,
  isUid: boolean,
  set: PackedSet,
  items: number,
  sections: readonly PackedSection[],
  /** Messages fetched become \Seen. */
  marksSeen: boolean,
  flagModseq: number,
  cursor: FetchCursor,
  /** Only messages whose modseq is above; -1: all. */
  changedSince: number,
  /** What is \Recent to the session; absent: nothing is. */
  recent?: UidRanges,
  /** The client knows so many keywords; absent: it is told of none. */
  keywordCount?: number,
];

/** Where an answer left off. All 0 to begin; `lease` is of a message whose literal was cut. */
export type FetchCursor = readonly [uid: number, section: number, offset: number, lease: number];

export interface Fetched {
  /** Absent: that was all. */
  readonly next?: FetchCursor;
  /** Of a long set: UIDs that are left, ascending. The next windows are asked for by these. */
  readonly rest?: PackedSet;
  readonly flagModseq: number;
  /** As in `Synced`. */
  readonly keywords?: readonly string[];
}

export type PackedStore = readonly [
  owner: PackedOwner,
  view: PackedView,
  isUid: boolean,
  set: PackedSet,
  op: 'add' | 'remove' | 'replace',
  /** Bits by place in RFC 9051 §2.3.2's order: \Seen, \Answered, \Flagged, \Deleted, \Draft. */
  flags: number,
  keywords: readonly string[],
  flagModseq: number,
  keywordCount: number,
  /** Messages whose modseq is above are left alone; -1: none is. */
  unchangedSince: number,
  /** Those left alone are told by number; absent: as the set names messages. */
  tellsNumbers?: boolean,
];

export interface Stored {
  /** Those that were there. */
  readonly uids: UidRanges;
  readonly flagModseq: number;
  /** Those left alone. */
  readonly modified: readonly number[];
  /** As in `Synced`. */
  readonly keywords?: readonly string[];
}

/** One of several STOREs: no keywords, no condition. */
export type PackedPlainStore = readonly [
  isUid: boolean,
  set: PackedSet,
  op: PackedStore[4],
  flags: number,
  /** The new flags are not told. */
  isSilent: boolean,
];

export type PackedStores = readonly [
  owner: PackedOwner,
  view: PackedView,
  stores: readonly PackedPlainStore[],
  /** Bits of `fetchItems` that are told of every message stored, silent or not. */
  items: number,
  flagModseq: number,
  keywordCount: number,
  /** What is \Recent to the session; absent: nothing is. */
  recent?: UidRanges,
];

export interface StoredMany {
  /**
   * Of each STORE done, in their order, how many octets of the body are its own; -1: all of its responses are still
   * to be fetched, for `uids`. Those left out are to be asked for again.
   */
  readonly told: readonly number[];
  readonly uids: readonly UidRanges[];
  readonly flagModseq: number;
  /** As in `Synced`. */
  readonly keywords?: readonly string[];
}

export type PackedCopy = readonly [
  owner: PackedOwner,
  view: PackedView,
  isUid: boolean,
  set: PackedSet,
  path: string,
  isMove: boolean,
  /** Names the copy: asked again by it, what was done is not done twice. */
  id: string,
];

export interface Copied {
  readonly uidValidity: number;
  readonly sources: UidRanges;
  readonly targets: UidRanges;
}

export type PackedAppend = readonly [
  owner: PackedOwner,
  path: string,
  /** Names the append: done twice, it changes nothing. */
  id: string,
  /** Of each message. */
  bytesMax: number,
  messages: readonly PackedMessage[],
  /** REPLACE: what goes when the message is there. */
  replaced: readonly [view: PackedView, isUid: boolean, set: PackedSet] | null,
  /** MOVE from another account: whence, a UID a message. What an earlier try put there is not appended again. */
  moved?: readonly [account: number, mailbox: number, uids: readonly number[]],
];

export type PackedMessage = readonly [
  flags: number,
  keywords: readonly string[],
  internalMs: number,
  parts: readonly PackedPart[],
];

/** The next so many octets of the ask's body; or the id of a text that came in chunks; or what a URL names. */
export type PackedPart = number | string | PackedUrl;

export type PackedUrl = readonly [
  /** As the client wrote it. */
  url: string,
  path: string,
  /** 0: any. */
  uidValidity: number,
  uid: number,
  section: PackedSection,
];

export interface Appended {
  readonly uidValidity: number;
  readonly uids: UidRanges;
}

/** Nothing was appended: the URL names nothing. */
export interface BadUrl {
  readonly badUrl: string;
}

/** Nothing was appended: what it was to replace is not there. */
export interface MessageGone {
  readonly isGone: true;
}

/** null: the entry has no value. */
export type MetadataValue = readonly [entry: string, value: Uint8Array | null];

export type PackedGetMetadata = readonly [
  owner: PackedOwner,
  /** "" is the server. */
  path: string,
  entries: readonly string[],
  /** -1: no limit. */
  bytesMax: number,
  depth: 0 | 1 | 'infinity',
];

export interface FoundMetadata {
  readonly values: readonly MetadataValue[];
  /** Of those left out for their size; 0: none was. */
  readonly longest: number;
}

export type PackedMetadataLimits = readonly [
  /** Of a mailbox, shared ones and each reader's own counted apart. */
  entriesMax: number,
  /** Of an account. */
  bytesMax: number,
];

export type PackedSetMetadata = readonly [
  owner: PackedOwner,
  path: string,
  values: readonly MetadataValue[],
  limits: PackedMetadataLimits,
];

/**
 * What travels: each ask of a session names its reader, and the engine answers by the reader's rights. Whose mailboxes
 * they are stands in `meta`.
 */
export type PackedRead = readonly [
  reader: number,
  tenant: number,
  meta: unknown,
  /** How access lists name the groups that the reader is in; absent: none. */
  groups?: readonly number[],
];

/** Whom an ask is about: each begins with an owner, or the number of one. */
export function accountIn(meta: unknown): number {
  const [first] = meta as readonly [number | readonly [number]];
  return typeof first === 'number' ? first : first[0];
}

export function readBy(
  { id, tenant }: { readonly id: number; readonly tenant: number },
  meta: unknown,
  groups: readonly number[] = [],
): PackedRead {
  return groups.length === 0 ? [id, tenant, meta] : [id, tenant, meta, groups];
}

/** Identifier `anyone` of an access list; any other is an account's number, or names a group (`ports/groups.ts`). */
export const anyoneNumber = 0;

export type AclEntryValue = readonly [identifier: number, given: number, taken: number];

export type PackedSetAcl = readonly [
  identifier: number,
  /** What is taken away is meant (RFC 4314 §2). */
  isNegative: boolean,
  op: 'replace' | 'add' | 'remove',
  rights: number,
];

export type PackedReadMessages = readonly [
  owner: PackedOwner,
  view: PackedView,
  isUid: boolean,
  set: PackedSet,
  /** From this UID on. */
  from: number,
];

/** An append, by its name and how many messages it put there. */
export type PackedAppendName = readonly [id: string, count: number];

export type MessageRecord = readonly [
  uid: number,
  flags: number,
  keywords: readonly string[],
  internalMs: number,
  bytes: number,
];

export interface MailboxChange {
  readonly account: number;
  readonly mailbox: number;
  /** The mailbox's highest modseq before the changes told; 0 where it is not known. */
  readonly fromModseq: number;
  /** 0: the mailbox was deleted. */
  readonly modseq: number;
  readonly uidNext: number;
  readonly messages: number;
  /** Nothing changed but that messages came. */
  readonly isArrivalOnly: boolean;
}
