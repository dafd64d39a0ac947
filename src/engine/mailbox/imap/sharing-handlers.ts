/**
 * Answers asks about access lists, annotations and quota, and those that copies between accounts are made of.
 *
 * Runs in: engine threads.
 */

import type { Answer, ArrivedAsk } from '../../../actors/ask.ts';
import {
  imapAsks,
  type PackedAppendName,
  type PackedGetMetadata,
  type PackedOwner,
  type PackedReadMessages,
  type PackedSetAcl,
  type PackedSetMetadata,
  type PackedView,
} from '../../../actors/asks/imap-asks.ts';
import { concat } from '../../../base/bytes.ts';
import { rights } from '../../../mail/wire/imap/rights.ts';
import { aclOf, setAcl } from './acl.ts';
import { made, ok, ownerOf, rightsOf, type Work, withBody } from './answering.ts';
import { readMessages, takeBack } from './between.ts';
import type { ImapDesk } from './desk.ts';
import { annotationRights, type SeatedHandler } from './guard.ts';
import { changedEntries, getMetadata, setMetadata } from './metadata.ts';
import { deletedBytes, quotaUse } from './quota.ts';

type Kind = (work: Work) => SeatedHandler;

/** `reader` leaves its parcel. */
export function sharingHandlers(writer: Kind, reader: Kind) {
  return {
    [imapAsks.readMessages]: reader(messagesRead),
    [imapAsks.takeOut]: reader(takenOut),
    [imapAsks.takeBack]: reader(takenBack),
    [imapAsks.getAcl]: writer(async (desk, ask) => {
      const [owner, mailbox] = await named(desk, ask);
      return ok(aclOf(desk, owner[0], mailbox));
    }),
    [imapAsks.setAcl]: writer(async (desk, ask) => {
      const [owner, mailbox] = await named(desk, ask);
      const [, , set] = ask.meta as readonly [PackedOwner, string, PackedSetAcl];
      return ok(await setAcl(desk, ownerOf(owner), mailbox, set));
    }),
    [imapAsks.myRights]: writer(async (desk, ask) => {
      const [, mailbox] = await named(desk, ask);
      return ok(rightsOf(desk, mailbox));
    }),
    [imapAsks.getMetadata]: writer(metadata),
    [imapAsks.setMetadata]: writer(annotate),
    [imapAsks.listMetadata]: writer(listMetadata),
    [imapAsks.changedMetadata]: writer(changedMetadata),
    [imapAsks.quota]: writer(quota),
    [imapAsks.deletedBytes]: reader(async (desk, ask) => {
      const [[account], mailbox] = ask.meta as readonly [PackedOwner, number];
      return ok(await deletedBytes(desk, account, mailbox));
    }),
  };
}

/** The owner, and the number of the mailbox whose path the ask names. @throws MailError `not-found` */
async function named(
  desk: ImapDesk,
  ask: ArrivedAsk,
): Promise<readonly [owner: PackedOwner, mailbox: number]> {
  const [owner, path] = ask.meta as readonly [PackedOwner, string];
  await made(desk, owner);
  return [owner, desk.tree.get(owner[0], path).mailbox];
}

async function metadata(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, entries, bytesMax, depth] = ask.meta as PackedGetMetadata;
  const place = await annotatedPlace(desk, owner, path);
  return ok(getMetadata(desk, place, { entries, bytesMax, depth }));
}

async function annotate(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, values, limits] = ask.meta as PackedSetMetadata;
  const place = await annotatedPlace(desk, owner, path);
  return ok(await setMetadata(desk, ownerOf(owner), place, values, limits));
}

async function annotatedPlace(desk: ImapDesk, owner: PackedOwner, path: string) {
  await made(desk, owner);
  const mailbox = path === '' ? 0 : desk.tree.get(owner[0], path).mailbox;
  return { account: owner[0], mailbox, reader: readerOf(desk, owner[0]) };
}

function readerOf({ rights }: ImapDesk, account: number): number {
  return rights?.reader.account ?? account;
}

async function listMetadata(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [[account], entries] = ask.meta as readonly [PackedOwner, readonly string[]];
  const wanted = { entries, bytesMax: -1, depth: 0 } as const;
  const reader = readerOf(desk, account);
  const mailboxes = desk.tree.paths(account).filter(([mailbox]) => mayTell(desk, mailbox));
  const found = mailboxes.map(([mailbox]) => {
    const place = { account, mailbox, reader };
    return [mailbox, getMetadata(desk, place, wanted).values];
  });
  return ok(found);
}

function mayTell(desk: ImapDesk, mailbox: number): boolean {
  const had = rightsOf(desk, mailbox);
  return (had & rights.lookup) !== 0 && (had & annotationRights) !== 0;
}

function changedMetadata(desk: ImapDesk, ask: ArrivedAsk): Answer {
  const [account, mailbox, modseq] = ask.meta as readonly [number, number, number];
  return ok(changedEntries(desk, { account, mailbox, reader: readerOf(desk, account) }, modseq));
}

async function quota(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path] = ask.meta as readonly [PackedOwner, string?];
  await made(desk, owner);
  if (path !== undefined) desk.tree.get(owner[0], path);
  return ok(quotaUse(desk, owner));
}

async function messagesRead(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const { messages, bodies } = await readMessages(desk, ask.meta as PackedReadMessages);
  return withBody({ value: messages, body: concat(bodies) });
}

async function takenOut(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, [mailbox], uids] = ask.meta as readonly [PackedOwner, PackedView, number[]];
  const { account, tenant } = ownerOf(owner);
  await desk.mailboxes.expunge(account, tenant, mailbox, uids);
  return ok();
}

async function takenBack(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [owner, path, appends] = ask.meta as readonly [
    PackedOwner,
    string,
    readonly PackedAppendName[],
  ];
  await takeBack(desk, ownerOf(owner), desk.tree.get(owner[0], path).mailbox, appends);
  return ok();
}
