/**
 * Answers asks of POP3 sessions.
 *
 * Runs in:   engine threads.
 * Invariant: no ask holds its parcel for long: what reads bodies or writes records leaves it.
 */

import type { Answer, ArrivedAsk, Handlers } from '../../../actors/ask.ts';
import {
  type NumberRanges,
  type PackedListing,
  type PackedMaildrop,
  type PackedRetrieve,
  pop3Asks,
} from '../../../actors/asks/pop3-asks.ts';
import { failure, failureOf } from '../../../base/errors.ts';
import type { TenantId } from '../../../base/ids.ts';
import type { ImapDesk } from '../imap/desk.ts';
import { listMaildrop, openMaildrop, sizeOfMessages } from './maildrop.ts';
import { removeMessages } from './remove.ts';
import { retrieve } from './retrieve.ts';

type Work = (desk: ImapDesk, ask: ArrivedAsk) => Answer | Promise<Answer>;

/** The desk is IMAP's: both protocols share views and leases. */
export function pop3Handlers(deskOf: (ask: ArrivedAsk) => ImapDesk | undefined): Handlers {
  const within = (work: Work) => (ask: ArrivedAsk) => answered(deskOf(ask), work, ask);
  const apart = (work: Work) => (ask: ArrivedAsk) => ({
    pending: answered(deskOf(ask), work, ask),
  });
  return {
    [pop3Asks.open]: within(open),
    [pop3Asks.list]: within(list),
    [pop3Asks.size]: within(size),
    [pop3Asks.retrieve]: apart(retrieved),
    [pop3Asks.remove]: apart(remove),
  };
}

async function answered(desk: ImapDesk | undefined, work: Work, ask: ArrivedAsk): Promise<Answer> {
  if (desk === undefined) return failure('not-possible-now', `shard ${ask.shard} is not open here`);
  try {
    return await work(desk, ask);
  } catch (error) {
    return failureOf(error);
  }
}

function open(desk: ImapDesk, ask: ArrivedAsk): Answer {
  const [account] = ask.meta as readonly [number];
  return { ok: true, value: openMaildrop(desk, account) };
}

async function list(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const body = await listMaildrop(desk, ask.meta as PackedListing);
  return body.byteLength === 0
    ? { ok: true, value: undefined }
    : { ok: true, value: undefined, body };
}

async function size(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [drop, numbers] = ask.meta as readonly [PackedMaildrop, NumberRanges];
  return { ok: true, value: await sizeOfMessages(desk, drop, numbers) };
}

async function retrieved(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const { value, body } = await retrieve(desk, ask.meta as PackedRetrieve);
  return { ok: true, value, body };
}

async function remove(desk: ImapDesk, ask: ArrivedAsk): Promise<Answer> {
  const [drop, tenant] = ask.meta as readonly [PackedMaildrop, TenantId];
  await removeMessages(desk, drop, tenant, ask.body);
  return { ok: true, value: undefined };
}
