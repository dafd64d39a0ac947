/**
 * Hold rules of a table directory.
 *
 * Runs in:   the main thread.
 * Limits:    `holdRulesMax` rules; a note has `noteMax` characters.
 * Invariant: a number is given out once, so that mail which waits under a rule never finds another one in its place.
 */

import { MailError } from '../../base/errors.ts';
import { type HoldRule, holdRulesMax } from '../../ports/hold-rule.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';
import * as rows from './directory-rows.ts';

const noteMax = 200;

export function listHoldRules(table: ShardIndex): readonly HoldRule[] {
  const entries = table.range({ ...rows.everyHoldRule, limit: holdRulesMax });
  return entries.map(({ value }) => rows.decodeRow<HoldRule>(value));
}

/** @throws MailError `argument-invalid`, `not-possible-now` */
export function newHoldRule(
  table: ShardIndex,
  rule: Omit<HoldRule, 'id'>,
): { readonly made: HoldRule; readonly changes: readonly IndexChange[] } {
  if (Object.keys(rule.filter).length === 0) {
    throw new MailError('argument-invalid', 'a hold rule says what it holds');
  }
  if (rule.note.length > noteMax || /[\x00-\x1f\x7f]/.test(rule.note)) {
    throw new MailError('argument-invalid', `a note is a line of at most ${noteMax} characters`);
  }
  if (listHoldRules(table).length >= holdRulesMax) {
    throw new MailError('not-possible-now', `there are ${holdRulesMax} hold rules: end some first`);
  }
  const next = table.get(rows.nextHoldRuleKey);
  const id = next === undefined ? 1 : rows.decodeRow<number>(next);
  const made: HoldRule = { ...rule, id };
  return {
    made,
    changes: [
      { put: rows.holdRuleKey(id), value: rows.encodeRow(made) },
      { put: rows.nextHoldRuleKey, value: rows.encodeRow(id + 1) },
    ],
  };
}

/** @throws MailError `not-found` */
export function withoutHoldRule(table: ShardIndex, id: number): readonly IndexChange[] {
  const key = rows.holdRuleKey(id);
  if (table.get(key) === undefined) throw new MailError('not-found', `hold rule ${id}`);
  return [{ remove: key }];
}
