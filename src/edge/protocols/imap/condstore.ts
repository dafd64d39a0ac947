/**
 * When a session begins to be told modseqs.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 7162 §3.1 (CONDSTORE enabling commands), §3.1.2.1 (HIGHESTMODSEQ).
 */

import { untagged, writeStatus } from '../../../mail/wire/imap/response-status.ts';
import type { CommandSession } from './command.ts';

/** A command speaks of modseqs: where a mailbox is selected, the first that does is told the highest of it. */
export function beginModseqs(session: CommandSession): void {
  if (session.isCondstore) return;
  session.isCondstore = true;
  const { selected } = session;
  if (selected === undefined) return;
  // What the client was not told yet must stay above it: it asks for changes since then.
  const modseq = Math.max(1, Math.min(selected.modseq, selected.flagModseq));
  session.respond((writer) =>
    writeStatus(writer, untagged, 'OK', `HIGHESTMODSEQ ${modseq}`, 'Highest modseq'),
  );
}
