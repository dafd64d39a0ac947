/**
 * What handlers of sessions' asks are made of.
 *
 * Runs in: engine threads.
 */

import type { Answer, ArrivedAsk } from '../../../actors/ask.ts';
import type { PackedOwner } from '../../../actors/asks/imap-asks.ts';
import type { AccountId, TenantId } from '../../../base/ids.ts';
import { allRights } from '../../../mail/wire/imap/rights.ts';
import type { Owner } from '../tree.ts';
import type { ImapDesk } from './desk.ts';

export type Work = (desk: ImapDesk, ask: ArrivedAsk) => Answer | Promise<Answer>;

export const ok = (value: unknown = undefined): Answer => ({ ok: true, value });

export function ownerOf([account, tenant]: PackedOwner): Owner {
  return { account: account as AccountId, tenant: tenant as TenantId };
}

/** An account nobody delivered to has no rows yet. */
export async function made(desk: ImapDesk, owner: PackedOwner): Promise<void> {
  if (desk.rights !== undefined) return;
  const [account, tenant, bytes, messages = 0] = owner;
  if (desk.reader.account(account) !== undefined) return;
  const quota = { bytes, messages };
  await desk.mailboxes.putAccount(account as AccountId, tenant as TenantId, quota);
}

export function withBody({
  value,
  body,
}: {
  readonly value: unknown;
  readonly body: Uint8Array;
}): Answer {
  return body.byteLength === 0 ? ok(value) : { ok: true, value, body };
}

/** As `withBody`, of a body as a writer has it: joining its pieces would copy them once more. */
export function withPieces({
  value,
  pieces,
}: {
  readonly value: unknown;
  readonly pieces: readonly Uint8Array[];
}): Answer {
  const [body, ...rest] = pieces;
  return body === undefined ? ok(value) : { ok: true, value, body, rest };
}

export function rightsOf({ rights }: ImapDesk, mailbox: number): number {
  return rights === undefined ? allRights : rights.of(mailbox);
}
