/**
 * Answers asks about accounts and mailboxes.
 *
 * Runs in:   engine threads.
 * Invariant: `mailbox.deliver` decides before its first await, so that a parcel's deliveries share a group commit.
 */

import type { Answer, ArrivedAsk, Handled, Handlers } from '../../actors/ask.ts';
import type { PackedOwner } from '../../actors/asks/imap-asks.ts';
import {
  type AccountUse,
  type MailboxInfo,
  mailboxAsks,
  type PackedDelivery,
  type PackedExport,
  type PackedImport,
} from '../../actors/asks/mailbox-asks.ts';
import { failure, failureOf } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Delivery, DeliveryOutcome } from './delivery.ts';
import type { NumberedMailbox } from './mailbox-reader.ts';
import type { Mailboxes } from './mailboxes.ts';
import { unpackDelivery } from './packed-delivery.ts';
import type { AccountRow } from './rows/account-row.ts';

export interface MailboxHandlerParts {
  /** The open shard's mailboxes; undefined where the shard is not open here. */
  readonly mailboxesOf: (ask: ArrivedAsk) => Mailboxes | undefined;
  /** Told of each copy that came out of a spool. */
  readonly copied?: (
    ask: ArrivedAsk,
    delivery: Delivery,
    outcomes: readonly DeliveryOutcome[],
  ) => void;
  /** Told of an account that was deleted, before that is answered. */
  readonly deleted?: (ask: ArrivedAsk, account: AccountId) => Promise<void>;
}

type Work = (mailboxes: Mailboxes, ask: ArrivedAsk) => Answer | Promise<Answer>;

export function mailboxHandlers(parts: MailboxHandlerParts): Handlers {
  const handler = (work: Work) => (ask: ArrivedAsk) => {
    const mailboxes = parts.mailboxesOf(ask);
    if (mailboxes === undefined) return notOpen(ask);
    return answered(work, mailboxes, ask);
  };
  return {
    [mailboxAsks.deliver]: (ask) => deliver(parts, ask),
    [mailboxAsks.list]: handler(list),
    [mailboxAsks.status]: handler(status),
    // It reads bodies: its parcel does not wait for it.
    [mailboxAsks.export]: (ask) => ({
      pending: Promise.resolve(handler(exportMessages)(ask)),
    }),
    [mailboxAsks.import]: handler(importMessages),
    [mailboxAsks.put]: handler(put),
    [mailboxAsks.use]: handler(use),
    [mailboxAsks.highest]: handler(({ reader }) => ({ ok: true, value: reader.highestAccount() })),
    [mailboxAsks.delete]: handler((mailboxes, ask) => remove(parts, mailboxes, ask)),
  };
}

async function answered(work: Work, mailboxes: Mailboxes, ask: ArrivedAsk): Promise<Answer> {
  try {
    return await work(mailboxes, ask);
  } catch (error) {
    return failureOf(error);
  }
}

function deliver(parts: MailboxHandlerParts, ask: ArrivedAsk): Handled {
  const mailboxes = parts.mailboxesOf(ask);
  if (mailboxes === undefined) return notOpen(ask);
  const delivery = unpackDelivery(ask.meta as PackedDelivery, [ask.body]);
  try {
    const { outcomes, isLong } = mailboxes.deliverer.begin(delivery);
    const answer = outcomes.then((value): Answer => {
      parts.copied?.(ask, delivery, value);
      return { ok: true, value };
    });
    return isLong ? { pending: answer } : answer;
  } catch (error) {
    return failureOf(error);
  }
}

function notOpen({ shard }: ArrivedAsk): Answer {
  return failure('not-possible-now', `shard ${shard} is not open here`);
}

function list(mailboxes: Mailboxes, ask: ArrivedAsk): Answer {
  const [account] = ask.meta as readonly [number];
  const value: readonly MailboxInfo[] = mailboxes.reader.mailboxes(account).map(mailboxInfo);
  return { ok: true, value };
}

function status(mailboxes: Mailboxes, ask: ArrivedAsk): Answer {
  const [account, mailbox] = ask.meta as readonly [number, number];
  const row = mailboxes.reader.mailbox(account, mailbox);
  if (row === undefined) return failure('not-found', `mailbox ${mailbox}`);
  return { ok: true, value: mailboxInfo({ mailbox, row }) };
}

async function exportMessages(mailboxes: Mailboxes, ask: ArrivedAsk): Promise<Answer> {
  const { value, body } = await mailboxes.reader.export(ask.meta as PackedExport);
  return body.byteLength === 0 ? { ok: true, value } : { ok: true, value, body };
}

async function importMessages(mailboxes: Mailboxes, ask: ArrivedAsk): Promise<Answer> {
  const [account, tenant, mailbox, run, messages] = ask.meta as PackedImport;
  const value = await mailboxes.import({
    account: account as AccountId,
    tenant: tenant as TenantId,
    mailbox,
    run,
    messages,
    bytes: ask.body,
  });
  return { ok: true, value };
}

async function put(mailboxes: Mailboxes, ask: ArrivedAsk): Promise<Answer> {
  const [account, tenant, bytes, messages = 0] = ask.meta as PackedOwner;
  await mailboxes.putAccount(account as AccountId, tenant as TenantId, { bytes, messages });
  return { ok: true, value: undefined };
}

function use(mailboxes: Mailboxes, ask: ArrivedAsk): Answer {
  const [account] = ask.meta as readonly [number];
  const row = mailboxes.reader.account(account);
  return { ok: true, value: useOf(row) };
}

export function useOf(row: AccountRow | undefined): AccountUse {
  const { bytes = 0, documents = 0, quotaBytes = 0, quotaMessages = 0 } = row ?? {};
  const isFull =
    (quotaBytes > 0 && bytes >= quotaBytes) || (quotaMessages > 0 && documents >= quotaMessages);
  return { bytes, messages: documents, quotaBytes, quotaMessages, isFull };
}

async function remove(
  parts: MailboxHandlerParts,
  mailboxes: Mailboxes,
  ask: ArrivedAsk,
): Promise<Answer> {
  const [account, tenant] = ask.meta as readonly [AccountId, TenantId];
  await mailboxes.deleteAccount(account, tenant);
  await parts.deleted?.(ask, account);
  return { ok: true, value: undefined };
}

export function mailboxInfo({ mailbox, row }: NumberedMailbox): MailboxInfo {
  return {
    mailbox,
    name: row.name,
    parent: row.parent,
    role: row.role,
    uidValidity: row.uidValidity,
    uidNext: row.uidNext,
    messages: row.messages,
    unseen: row.unseen,
    deleted: row.deleted,
    bytes: row.bytes,
    highestModseq: row.highestModseq,
    recentUid: row.recentUid,
    recent: row.recent,
  };
}
