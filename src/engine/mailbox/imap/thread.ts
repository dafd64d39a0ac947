/**
 * THREAD of what a search finds, as the octets of its response.
 *
 * Runs in:   the engine thread that owns the shard, in slices.
 * Specs:     RFC 5256 §3, §4.
 */

import { Buffer } from 'node:buffer';
import type { PackedThread, ThreadAlgorithm } from '../../../actors/asks/imap-search-asks.ts';
import { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import { type ThreadForest, threadSteps } from '../../../mail/wire/imap/response-thread.ts';
import type { SearchParts } from './search.ts';
import { inSlices, Slices } from './slices.ts';
import { findAll, liveView } from './sort.ts';
import type { ThreadInputs } from './thread-inputs.ts';
import type { ThreadMessages } from './thread-messages.ts';
import { threadsByReferences } from './thread-references.ts';
import { threadsBySubject } from './thread-subjects.ts';

export interface ThreadParts extends SearchParts {
  readonly threads: ThreadInputs;
}

const algorithms = {
  ORDEREDSUBJECT: threadsBySubject,
  REFERENCES: threadsByReferences,
} as const satisfies Record<
  ThreadAlgorithm,
  (messages: ThreadMessages) => Generator<void, ThreadForest, void>
>;

export async function thread(
  parts: ThreadParts,
  packed: PackedThread,
  deadlineMs: number,
): Promise<Uint8Array> {
  const [account, [mailbox, modseq, uidNext], isUid, criteria, saved, algorithm] = packed;
  const slices = new Slices(parts.clock, deadlineMs);
  const place = { account, mailbox };
  const view = await parts.views.view({ ...place, modseq, uidNext });
  const live = await liveView(parts, place);
  const asked = { place, view, criteria, saved, wantsModseq: false };
  const { set } = await findAll(parts, asked, slices);
  const { uids, messages } = await parts.threads.of(place, set, live, slices);
  const threads = await inSlices(slices, algorithms[algorithm](messages));
  const writer = new ResponseWriter();
  const numbers = isUid ? uids : view.sequencesOfAll(uids);
  await inSlices(slices, threadSteps(writer, threads, numbers));
  return Buffer.concat(writer.take());
}
