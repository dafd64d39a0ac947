/**
 * A feature taken out of the source: what stands where, and what stands there without the feature.
 *
 * Runs in: proofs by hand, and the test that they still fit.
 */

import type { RfcRow } from '../tidy/rules.ts';

export interface Mutation {
  /** Of the row in docs/rfc.tsv; RFC 9051 needs its section. */
  readonly rfc: string;
  readonly section: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
}

export function isOf({ rfc, section }: Mutation, row: RfcRow): boolean {
  return row.rfc === rfc && row.section === section;
}

/** The file's text without the feature; undefined where `from` does not stand there once. */
export function mutated(text: string, { from, to }: Mutation): string | undefined {
  const at = text.indexOf(from);
  if (at < 0 || text.indexOf(from, at + 1) >= 0) return undefined;
  return text.slice(0, at) + to + text.slice(at + from.length);
}
