/**
 * What operators do to queued messages: some that they name, or all that they mean, page by page.
 *
 * Runs in:   engine threads.
 * Limits:    of a mass act, `pageRows` rows an ask; what one step of the walk finds is decided in one turn and shares
 *            one sync. It waits while the index lags by `lagMax` changes: mail goes first; two seconds a
 *            page at most.
 * Invariant: an act is recorded before it is answered, so it survives a crash as an outcome does. Repeated, it changes
 *            nothing and counts nothing, but `retry`, which tries again what still waits.
 */

import type { Answer, ArrivedAsk } from '../../actors/ask.ts';
import type { RecipientSelection } from '../../actors/asks/control.ts';
import { type Rebinding, reboundTerms } from '../../actors/asks/delivery-terms.ts';
import type {
  QueueAct as Act,
  QueueAction,
  QueueActPage,
  QueueActPageAnswer,
} from '../../actors/asks/queue-asks.ts';
import { cancelledText, endingReply, removedText } from '../../actors/asks/queue-endings.ts';
import type { MessageId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { ownOutcome, ownReply } from '../delivery/message.ts';
import { Slices } from '../mailbox/imap/slices.ts';
import type { OpenShard } from '../shards.ts';
import type { Bounces } from './bounce.ts';
import type { Holds } from './holds.ts';
import type { SpoolMessage } from './message.ts';
import { isHeld, isMeant, Selected } from './queue-view.ts';
import { stepOn } from './queue-walk.ts';
import type { QueueAct } from './records.ts';
import type { Spool } from './spool.ts';

const pageRows = 512;
const lagMax = 1_500;
const lagPauseMs = 20;
/** In one page: where an index cannot be written at all, acts end all the same, and so does the server. */
const lagPausesMax = 100;

export interface QueueActParts {
  readonly clock: Clock;
  readonly bounces: Bounces;
  readonly holds: Holds;
}

/** What is done, and to which of a message's recipients. */
interface Doing {
  readonly action: QueueAction['action'];
  readonly only: RecipientSelection;
  readonly binding?: Rebinding;
}

/** What ends a recipient is told as its end. */
const actsTold = {
  ...{ hold: 'held', release: 'released', retry: 'retried', rebind: 'rebound' },
  ...{ delete: '', cancel: '', bounce: '' },
} as const satisfies Record<Act, QueueAct>;

const removed = ending(removedText);
const cancelled = ending(cancelledText);

function ending(text: string) {
  return {
    outcome: ownOutcome('failed', ownReply(554, '5.7.0', text)),
    reply: endingReply(text),
  };
}

export async function actOnNamed(
  parts: QueueActParts,
  { spool }: OpenShard,
  action: QueueAction,
): Promise<Answer> {
  // All at once: one after the other, each would wait for a group commit of its own.
  const acted = await Promise.all(
    action.ids.map((id) => {
      const message = spool.find(id as MessageId);
      return message === undefined ? false : actOn(parts, spool, message, action);
    }),
  );
  return { ok: true, value: { count: acted.filter(Boolean).length } };
}

/** Those that are meant of the next `pageRows`. */
export async function actOnPage(
  parts: QueueActParts,
  { spool, store }: OpenShard,
  { ask, page }: { readonly ask: ArrivedAsk; readonly page: QueueActPage },
): Promise<Answer> {
  const { clock } = parts;
  const { selection, upTo, ...doing } = page;
  const slices = new Slices(clock, ask.deadlineMs);
  const selected = new Selected(parts.holds, selection, clock.nowMs());
  let scannedTo = page.after;
  let scannedCount = 0;
  let count = 0;
  let isEnd = false;
  let pauses = 0;
  while (!isEnd && scannedCount < pageRows) {
    for (; store.indexLag > lagMax && pauses < lagPausesMax; pauses++) await pause(clock);
    await slices.next();
    const step = stepOn(spool, selected, scannedTo);
    const meant = step.messages.filter(({ id }) => id <= upTo);
    const acted = await Promise.all(
      meant.map((message) => actOn(parts, spool, message, { ...doing, only: selection })),
    );
    count += acted.filter(Boolean).length;
    scannedCount += step.scannedCount;
    isEnd = step.scannedTo === '' || step.scannedTo >= upTo;
    scannedTo = step.scannedTo;
  }
  const value: QueueActPageAnswer = { count, scannedCount, scannedTo: isEnd ? '' : scannedTo };
  return { ok: true, value };
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(lagPauseMs, resolve);
  });
}

async function actOn(
  parts: QueueActParts,
  spool: Spool,
  message: SpoolMessage,
  action: Doing,
): Promise<boolean> {
  if (message.waitingCount === 0) return false;
  const indexes: number[] = [];
  for (let index = 0; index < message.recipients.length; index++) {
    const recipient = message.recipients[index]!;
    // What an attempt has in hand may be delivered this moment: nobody is told that it was cancelled.
    if (action.action === 'cancel' && recipient.isOpen) continue;
    if (isMeant(recipient, action.only)) indexes.push(index);
  }
  if (indexes.length === 0) return false;
  if (action.action === 'rebind') return rebind(spool, message, action.binding ?? {});
  const { action: what } = action;
  // Done already: by this act before it was cut off, or by another.
  if ((what === 'hold' && message.isHeld) || (what === 'release' && !message.isHeld)) return false;
  const nowMs = parts.clock.nowMs();
  for (const index of indexes) {
    const recipient = message.recipients[index]!;
    if (isEnding(action)) {
      const { outcome, reply } = action.action === 'cancel' ? cancelled : removed;
      recipient.state = action.action === 'bounce' ? 'failed' : 'deleted';
      recipient.reply = reply;
      spool.events.attempted(message, recipient, outcome);
    } else if (action.action !== 'hold') recipient.nextMs = nowMs;
  }
  if (action.action === 'hold') message.isHeld = true;
  if (action.action === 'release') message.isHeld = false;
  if (action.action === 'retry' && isHeld(parts.holds, message)) return false;
  if (action.action === 'bounce') {
    await parts.bounces.record(
      spool,
      message,
      indexes,
      indexes.map(() => removed.outcome),
      nowMs,
      true,
    );
  } else await spool.record(message, indexes, undefined, actsTold[action.action], true);
  // An attempt that was open may have ended it meanwhile.
  const isOn = action.action === 'retry' || action.action === 'release';
  if (isOn && message.waitingCount > 0) spool.attemptNow(message);
  return true;
}

/** It keeps its place and its instant; what a connection has of it already leaves as it was. */
async function rebind(spool: Spool, message: SpoolMessage, binding: Rebinding): Promise<boolean> {
  const terms = reboundTerms(message.terms, binding);
  const isSame =
    terms?.campaign === message.terms?.campaign &&
    terms?.pool === message.terms?.pool &&
    terms?.isPoolBound === message.terms?.isPoolBound;
  if (isSame) return false;
  message.terms = terms;
  await spool.record(message, [], undefined, actsTold.rebind);
  return true;
}

function isEnding({ action }: Doing): boolean {
  return action === 'delete' || action === 'bounce' || action === 'cancel';
}
