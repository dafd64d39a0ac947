/**
 * Events in words for people.
 *
 * Runs in: main thread; pure.
 */

import type { TraceEvent } from '../../actors/asks/control.ts';
import {
  type AcceptedEvent,
  type AdminEvent,
  eventKinds,
  eventNumbers,
  type FeedbackEvent,
  type OutcomeEvent,
  type PackedEvent,
  type RefusedEvent,
  type StoredEvent,
} from '../../actors/asks/trace-asks.ts';

/** Of a message with many recipients, so many are named in a line. */
const namedMax = 8;

/** `of` is what was looked for: of several recipients, the one asked for is shown. */
export function traceEventOf(event: PackedEvent, of: string): TraceEvent {
  const [kind, instantMs, id, , sender, recipients] = event;
  const wanted = of.toLowerCase();
  const recipient =
    recipients.length === 1
      ? recipients[0]
      : recipients.find((address) => address.toLowerCase() === wanted);
  return {
    id,
    instantMs,
    kind: eventKinds[kind] ?? `kind ${kind}`,
    sender,
    ...(recipient === undefined ? {} : { recipient }),
    detail: detailOf(event, recipient),
  };
}

function detailOf(event: PackedEvent, recipient: string | undefined): string {
  switch (event[0]) {
    case eventNumbers.accepted:
      return acceptedDetail(event, recipient);
    case eventNumbers.bounced:
      return `reported to the sender as ${event[6]}`;
    case eventNumbers.stored:
      return storedDetail(event);
    case eventNumbers.refused:
      return refusedDetail(event);
    case eventNumbers.suppressed:
    case eventNumbers.bounce:
    case eventNumbers.complaint:
    case eventNumbers.unsubscribe: {
      const [, , , , , , why, stream, words, from] = event as FeedbackEvent;
      const parts = [why, words, stream === '' ? '' : `stream ${stream}`];
      return joined([...parts, from === '' ? '' : `from ${from}`]);
    }
    case eventNumbers.admin:
      return joined((event as AdminEvent).slice(6, 9) as string[]);
    default:
      return outcomeDetail(event as OutcomeEvent);
  }
}

function acceptedDetail(event: AcceptedEvent, recipient: string | undefined): string {
  const recipients = event[5];
  const [, , , , , , bytes, recipientCount] = event;
  const words = [`${bytes} bytes`, originWords(event.slice(8, 13))];
  if (recipientCount > 1) words.push(`${recipientCount} recipients`);
  if (recipient === undefined) words.push(`to ${namesOf(recipients)}`);
  return joined(words);
}

function namesOf(recipients: readonly string[]): string {
  const named = recipients.slice(0, namedMax).map((address) => `<${address}>`);
  const rest = recipients.length - named.length;
  return rest > 0 ? `${named.join(' ')} and ${rest} more` : named.join(' ');
}

function outcomeDetail(event: OutcomeEvent): string {
  const [kind, , , , , , host, address, reply, attempts, nextMs] = event;
  const at = address === '' || address === host ? host : `${host} [${address}]`.trim();
  const words = [reply, at === '' ? '' : `at ${at}`];
  // What went well at once, and what nobody tried, needs no count.
  const isPlain = attempts === 0 || (attempts === 1 && kind === eventNumbers.delivered);
  if (!isPlain) words.push(`attempt ${attempts}`);
  if (nextMs > 0) words.push(`next ${new Date(nextMs).toISOString()}`);
  return joined(words);
}

function storedDetail(event: StoredEvent): string {
  const [, , , , , , uid, isRepeat] = event;
  const origin = originWords(event.slice(8, 13));
  // Where scripts put it, its account knows.
  const place = uid === 0 ? 'kept nowhere: its script wanted nothing else' : `UID ${uid}`;
  return joined([place, isRepeat ? 'was there already' : '', origin]);
}

function refusedDetail(event: RefusedEvent): string {
  return joined([event[6], originWords(event.slice(7, 12))]);
}

/** listener, protocol, peer, EHLO name, user. */
function originWords(origin: readonly unknown[]): string {
  const [listener, protocol, peer, helo, user] = origin as readonly string[];
  const words: string[] = [];
  if (listener !== '') words.push(`by ${listener}`);
  if (protocol !== '') words.push(`with ${protocol}`);
  if (peer !== '') words.push(`from [${peer}]`);
  if (helo !== '') words.push(`(${helo})`);
  if (user !== '') words.push(`as <${user}>`);
  return words.join(' ');
}

function joined(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(', ');
}
