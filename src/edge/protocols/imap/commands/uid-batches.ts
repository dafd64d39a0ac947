/**
 * UIDBATCHES: the mailbox in parts of so many messages each, as ranges of UIDs.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 10022.
 * Limits:  a batch has at least `batchMessagesMin`; an answer has at most `batchesMax` of them. A session remembers
 *          `askedMax` of its questions: the same one again is refused while few messages came or went.
 */

import { imapAsks } from '../../../../actors/asks/imap-asks.ts';
import type { PackedBatches } from '../../../../actors/asks/imap-search-asks.ts';
import { type BatchesCommand, parseBatches } from '../../../../mail/wire/imap/parse-batches.ts';
import { batchesParts } from '../../../../mail/wire/imap/response-search.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { type AskedBatches, type SelectedMailbox, viewOf } from '../selected.ts';
import { respondInParts } from './search-run.ts';

/** RFC 10022 §3.1.3.2. */
const batchMessagesMin = 500;
/** §3.1.7 wants 200 at least; 5,000,000 messages in the smallest batches. */
const batchesMax = 10_000;
const askedMax = 64;

async function uidBatches(
  session: CommandSession,
  { size, range }: BatchesCommand,
  tag: string,
): Promise<CommandEnd> {
  const selected = session.selected!;
  const { first, last } = range ?? { first: 1, last: Number.MAX_SAFE_INTEGER };
  if (first > last) return bad('The range is the wrong way round', 'CLIENTBUG');
  if (size < batchMessagesMin) return no(`A batch has ${batchMessagesMin} at least`, 'TOOFEW');
  const there = Math.min(last, Math.ceil(selected.count / size)) - first + 1;
  if (there > batchesMax) return no('Too many batches at once', 'TOOMANY');
  if (!mayAsk(selected, { size, first, last })) return no('Little has changed since', 'LIMIT');
  const { owner } = selected;
  const meta: PackedBatches = [owner.id, viewOf(selected), size, first, last];
  const answer = await session.ask(imapAsks.batches, meta, { to: owner });
  if (!answer.ok) return answerOf(answer.code);
  const pairs = answer.value as readonly number[];
  await respondInParts(session, (writer) => batchesParts(writer, tag, pairs));
  return ok('UIDBATCHES done');
}

/**
 * RFC 10022 §3.1.1: not again before half a batch came, or went. How many went follows from what was there, what came
 * and what is there.
 */
function mayAsk(selected: SelectedMailbox, batches: Omit<AskedBatches, 'count' | 'uidNext'>) {
  const { count, uidNext, batchesAsked = [] } = selected;
  const { size, first, last } = batches;
  const others = batchesAsked.filter(
    (one) => one.size !== size || one.first !== first || one.last !== last,
  );
  const before = batchesAsked.find((one) => !others.includes(one));
  if (before !== undefined) {
    const came = uidNext - before.uidNext;
    const went = before.count + came - count;
    if (2 * came < size && 2 * went < size) return false;
  }
  selected.batchesAsked = [...others, { ...batches, count, uidNext }].slice(-askedMax);
  return true;
}

export const uidBatchesCommand = {
  name: 'UIDBATCHES',
  states: selectedState,
  parse: parseBatches,
  run: uidBatches,
} as const satisfies ImapCommand<BatchesCommand>;
