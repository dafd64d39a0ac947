/**
 * Elasticsearch as a receiver of the audit log.
 *
 * Runs in:   main thread.
 * Invariant: an entry counts as taken once it stands in the index, or a stub of it does: its number and hash, and why
 *            the whole of it was refused. All else is tried again: what an index refuses for its own sake (it is not
 *            there, is closed, full, busy, its mapping fits not even a stub) an operator can cure.
 */

import { bulkLines, bulkStubLines } from '../../adapters/audit/bulk.ts';
import { type BulkItem, type BulkPoster, BulkTooLarge } from '../../adapters/node/bulk-poster.ts';
import type { Log } from '../../base/log.ts';
import type { AuditEntry } from '../../ports/audit-log.ts';
import { type AuditTarget, BatchTooLarge } from './audit-sender.ts';

export interface BulkTargetParts {
  readonly poster: BulkPoster;
  readonly index: string;
  readonly log: Log;
}

/** There already: it was sent before. */
const isThere = 409;
const isOfEntry = new Set([400, 413]);

export function bulkTarget({ poster, index, log }: BulkTargetParts): AuditTarget {
  async function sendStubs(
    id: string,
    refused: readonly AuditEntry[],
    why: string,
    signal: AbortSignal,
  ): Promise<void> {
    const lines = refused.map((entry) => bulkStubLines(id, index, entry, why));
    const items = await poster.post(lines, signal);
    const bad = items.find((item) => !isTaken(item));
    if (bad !== undefined) throw new Error(`not even a stub was taken: ${wordsOf(bad)}`);
    const sequences = refused.map(({ sequence }) => sequence);
    log.error(
      { refused: sequences.length, sequences, why },
      'audit entries were refused by elasticsearch: stubs of them were sent',
    );
  }

  return {
    name: 'elasticsearch',
    async send(id, entries, signal) {
      const lines = entries.map((entry) => bulkLines(id, index, entry));
      let items: readonly BulkItem[];
      try {
        items = await poster.post(lines, signal);
      } catch (error) {
        if (!(error instanceof BulkTooLarge)) throw error;
        if (entries.length > 1) throw new BatchTooLarge();
        await sendStubs(id, entries, 'too large', signal);
        return { stubs: 1 };
      }
      const bad = items.filter((item) => !isTaken(item));
      const waits = bad.find(({ status }) => !isOfEntry.has(status));
      if (waits !== undefined) throw new Error(`an entry was not taken: ${wordsOf(waits)}`);
      if (bad.length === 0) return { stubs: 0 };
      const refused = entries.filter((_, place) => !isTaken(items[place]!));
      await sendStubs(id, refused, wordsOf(bad[0]!), signal);
      return { stubs: refused.length };
    },
    close: () => poster.close(),
  };
}

function isTaken({ status }: BulkItem): boolean {
  return status === isThere || (status >= 200 && status <= 299);
}

function wordsOf({ status, type }: BulkItem): string {
  return `${status} ${type}`.trim();
}
