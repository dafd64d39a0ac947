/**
 * Audit entries as a body of Elasticsearch's `_bulk`.
 *
 * Runs in:   anywhere; pure.
 * Invariant: an entry's id is its log's and its sequence, and it is only ever created: sent twice it is there once.
 */

import type { AuditEntry } from '../../ports/audit-log.ts';
import { fieldsOf } from './chain.ts';

const whyLengthMax = 100;

export function bulkLines(log: string, index: string, entry: AuditEntry): string {
  const action = { create: { _index: index, _id: `${log}-${entry.sequence}` } };
  const { at, details = {}, ...fields } = fieldsOf(entry);
  // Values of one detail may be of several kinds, which an index does not take in one field.
  const texts = Object.entries(details).map(([name, value]) => [name, String(value)]);
  const source = { '@timestamp': at, log, ...fields, details: Object.fromEntries(texts) };
  return `${JSON.stringify(action)}\n${JSON.stringify(source)}\n`;
}

/** In place of an entry that an index does not take: it has no field of anybody's choice. */
export function bulkStubLines(log: string, index: string, entry: AuditEntry, why: string): string {
  const action = { create: { _index: index, _id: `${log}-${entry.sequence}` } };
  const { at, seq, hash } = fieldsOf(entry);
  const source = { '@timestamp': at, log, seq, hash, refused: why.slice(0, whyLengthMax) };
  return `${JSON.stringify(action)}\n${JSON.stringify(source)}\n`;
}
