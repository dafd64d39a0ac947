/**
 * Has the main thread note recipients that a server refused for good while a message was handed over.
 *
 * Runs in:   engine threads.
 * Limits:    `triesMax` asks for the outcomes of one attempt.
 * Invariant: at least once: an outcome that was not noted is not final. Its recipient is put off, tried again by the
 *            usual schedule, and noted then; so a list that cannot be written holds no message in memory.
 */

import type { AskUpwards } from '../../actors/ask.ts';
import { feedbackAsks, type RecipientsFailed } from '../../actors/asks/feedback-asks.ts';
import { noShard, systemAsk } from '../../actors/asks/system.ts';
import { secondMs } from '../../base/units.ts';
import { classOf, type ResponseClass } from '../../mail/wire/smtp/response-class.ts';
import type { Clock } from '../../ports/clock.ts';
import { ownOutcome, ownReply, type RecipientOutcome } from '../delivery/message.ts';
import type { NoteGone } from '../spool/attempt.ts';
import { clipReply, isForwardedMail } from '../spool/message.ts';

const triesMax = 3;
const againMs = secondMs;

/** Replies by which a mailbox is not there, whoever sends to it. */
const goneClasses: ReadonlySet<ResponseClass> = new Set(['address', 'domain', 'inactive']);

const notNoted = ownReply(451, '4.3.0', 'Refused for good, which could not be noted yet');

export interface NoteGoneParts {
  readonly uplink: AskUpwards;
  readonly clock: Pick<Clock, 'setTimer'>;
  /** Whether such recipients are suppressed at all. */
  readonly isOn: boolean;
}

export function createNoteGone({ uplink, clock, isOn }: NoteGoneParts): NoteGone {
  return (message, indexes, outcomes) => {
    if (!isOn || isForwardedMail(message)) return undefined;
    const recipients: RecipientsFailed['recipients'][number][] = [];
    for (const [place, index] of indexes.entries()) {
      const { state, target, address } = message.recipients[index]!;
      const outcome = outcomes[place]!;
      if (state !== 'waiting' || target.kind !== 'remote' || !isSaidGone(outcome)) continue;
      const { code, enhanced, text } = outcome.reply;
      recipients.push({ address, reply: clipReply(`${code} ${enhanced} ${text}`) });
    }
    if (recipients.length === 0) return undefined;
    const failed: RecipientsFailed = { tenant: message.tenant, recipients };
    const ask = systemAsk(feedbackAsks.failed, noShard, failed);
    const ended = outcomes.filter(({ status }) => status === 'failed');
    return note(uplink, clock, ask).then((isNoted) => (isNoted ? ended : ended.map(putOff)));
  };
}

async function note(
  uplink: AskUpwards,
  clock: NoteGoneParts['clock'],
  ask: Parameters<AskUpwards>[0],
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const answer = await uplink(ask).catch(() => undefined);
    if (answer?.ok === true) return true;
    if (tries === triesMax) return false;
    await new Promise<void>((resolve) => {
      clock.setTimer(againMs, resolve);
    });
  }
}

function isSaidGone({ status, isOurs, reply }: RecipientOutcome): boolean {
  return status === 'failed' && !isOurs && goneClasses.has(classOf(reply));
}

function putOff(outcome: RecipientOutcome): RecipientOutcome {
  if (!isSaidGone(outcome)) return outcome;
  const { remoteHost, remoteAddress, departure } = outcome;
  return ownOutcome('deferred', notNoted, remoteHost, remoteAddress, departure);
}
