/**
 * Brings messages into accounts: those accepted straight by their accounts' shard, and copies out of a spool.
 *
 * Runs in:   engine threads.
 * Specs:     RFC 5321 §6.1.
 * Invariant: a copy out of a spool carries its delivery id (message and recipient): done twice, it changes nothing.
 */

import type { Answer, AskUpwards, Handled } from '../actors/ask.ts';
import { accountActor, type DeliverAnswer, mailboxAsks } from '../actors/asks/mailbox-asks.ts';
import type { Envelope } from '../actors/asks/reception.ts';
import type { PackedEnvelope, PackedReceived } from '../actors/asks/spool-asks.ts';
import { packEnvelope } from '../actors/asks/spool-asks.ts';
import { failure } from '../base/errors.ts';
import type { ShardId } from '../base/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { LargeCopy } from './bodies/large-copy.ts';
import type { TakeFeedback } from './feedback/take.ts';
import type { Delivery, DeliveryOutcome, DeliveryTarget } from './mailbox/delivery.ts';
import type { Mailboxes } from './mailbox/mailboxes.ts';
import { packDelivery } from './mailbox/packed-delivery.ts';
import type { MessageToPrepare } from './pipeline/prepare.ts';
import type { OpenShard } from './shards.ts';
import type { LocalDelivery } from './spool/attempt.ts';
import type { MessageEvents } from './spool/events.ts';
import type { Spool } from './spool/spool.ts';

/** How long a spool waits for another thread's shard to take a copy. */
const deliverMsMax = 60_000;

/**
 * Accepts a message whose recipients are all on this shard. Copies that cannot be delivered (an account went over its
 * quota) of a message that others could take are accepted by the spool, which bounces them in the end.
 */
export function deliverHere(
  mailboxes: Mailboxes,
  spool: Spool,
  events: MessageEvents,
  message: MessageToPrepare,
  packed: PackedReceived,
  parts: readonly Uint8Array[],
): Handled {
  const { outcomes, isLong } = mailboxes.deliverer.begin(deliveryOf(message, parts));
  const answer = outcomes.then((all) => answerHere(spool, events, message, packed, parts, all));
  return isLong ? { pending: answer } : answer;
}

async function answerHere(
  spool: Spool,
  events: MessageEvents,
  message: MessageToPrepare,
  packed: PackedReceived,
  parts: readonly Uint8Array[],
  outcomes: readonly DeliveryOutcome[],
): Promise<Answer> {
  const { envelope, arrival } = message;
  const failed = outcomes.findIndex((outcome) => !outcome.ok);
  events.stored(arrival, envelope, outcomes);
  if (failed < 0) return { ok: true, value: undefined };
  if (outcomes.length === 1) return outcomes[0] as Exclude<DeliveryOutcome, { ok: true }>;
  const rest: PackedEnvelope = packEnvelope({
    ...envelope,
    recipients: envelope.recipients.filter((_, index) => !outcomes[index]!.ok),
  });
  return (await spool.accept([rest, packed[1], []], arrival.tenant, parts)) as Answer;
}

/** To those recipients that are accounts. */
export function deliveryOf(
  { envelope, arrival }: Omit<MessageToPrepare, 'body'>,
  parts: readonly Uint8Array[],
): Delivery {
  const targets: DeliveryTarget[] = [];
  for (const { address, target } of envelope.recipients) {
    if (target.kind === 'account') targets.push({ account: target.account, recipient: address });
  }
  const { id, tenant, receivedMs, listener, protocol, peerAddress, helo, user = '' } = arrival;
  const origin = [listener, protocol, peerAddress, helo, user] as const;
  const campaign = envelope.terms?.campaign ?? '';
  return { id, tenant, sender: envelope.sender, receivedMs, targets, parts, origin, campaign };
}

/**
 * Whether this journal alone can accept the envelope as deliveries into accounts of its shard. A sender who wants to
 * hear of the delivery (RFC 3461 §5.2.3) is told by the spool, which also keeps what is not to be delivered yet.
 */
export function isAllHere({ sender, recipients, terms }: Envelope, shard: ShardId): boolean {
  if (terms?.holdUntilMs !== undefined) return false;
  for (const { target, notify } of recipients) {
    if (target.kind !== 'account' || target.shard !== shard) return false;
    if (notify?.success === true && sender !== '') return false;
  }
  return true;
}

export interface LocalDeliveryParts {
  readonly shardOf: (shard: ShardId) => Pick<OpenShard, 'mailboxes' | 'events'> | undefined;
  readonly uplink: AskUpwards;
  readonly clock: Clock;
  /** For messages that are not in memory. */
  readonly large: LargeCopy;
  /** Reads mail that tells of messages. */
  readonly feedback: TakeFeedback;
}

/** The way from a spool into an account, on this thread's shards at once, else by the main thread. */
export function createLocalDelivery(parts: LocalDeliveryParts): LocalDelivery {
  return async (message, recipient, index, bytes, source) => {
    const { target } = recipient;
    if (target.kind === 'feedback')
      return parts.feedback(message, recipient.address, bytes, source);
    if (target.kind !== 'account') return failure('account-missing', recipient.address);
    const delivery: Delivery = {
      id: message.id,
      tenant: message.tenant,
      sender: message.sender,
      receivedMs: message.acceptedMs,
      targets: [{ account: target.account, recipient: recipient.address }],
      parts: bytes,
    };
    const key = `${message.id}/${index}`;
    if (source !== undefined) {
      const outcomes = await parts.large(delivery, target.shard, key, source);
      return 'ok' in outcomes ? outcomes : outcomeAnswer(outcomes);
    }
    const here = parts.shardOf(target.shard);
    if (here !== undefined) {
      const outcomes = await here.mailboxes.deliver(delivery);
      here.events.copied(delivery, outcomes);
      return outcomeAnswer(outcomes);
    }
    const answer = await parts.uplink({
      shard: target.shard,
      actor: accountActor(target.account),
      name: mailboxAsks.deliver,
      key,
      class: 'short',
      lane: 'normal',
      deadlineMs: parts.clock.nowMs() + deliverMsMax,
      meta: packDelivery(delivery),
      body: bytes,
    });
    return answer.ok ? outcomeAnswer(answer.value as DeliverAnswer) : answer;
  };
}

function outcomeAnswer(outcomes: DeliverAnswer): Answer {
  const outcome = outcomes[0]!;
  return outcome.ok ? { ok: true, value: undefined } : outcome;
}
