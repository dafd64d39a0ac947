/**
 * Reads what Rspamd says of a message.
 *
 * Runs in:   engine threads; pure.
 * Specs:     Rspamd's protocol: `/checkv2`, the reply to milters within it.
 * Invariant: an answer without score and action is none: it throws.
 */

import {
  editsMax,
  type FiredRule,
  type ScanAction,
  type ScanEdit,
  type ScanFinding,
} from '../../ports/content-scanner.ts';
import { isObject, type Json, jsonOf } from '../scanning/http-calls.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { fieldNameOf, fieldValueOf, plainRules, plainText } from '../scanning/words.ts';

const actions: Readonly<Record<string, ScanAction>> = {
  'no action': 'accept',
  greylist: 'defer',
  'soft reject': 'defer',
  'add header': 'add-header',
  'rewrite subject': 'rewrite-subject',
  quarantine: 'quarantine',
  discard: 'discard',
  reject: 'reject',
};

/** @throws ScanError */
export function rspamdAnswer(text: string): Exclude<ScanFinding, { kind: 'failed' }> {
  const said = jsonOf(text);
  if (typeof said.error === 'string') throw new ScanError('unable', said.error);
  const { score, required_score: threshold, symbols } = said;
  const action = typeof said.action === 'string' ? actions[said.action] : undefined;
  if (action === undefined || !isNumber(score) || !isNumber(threshold))
    throw new ScanError('broken', 'an answer without score or action');
  // It did not look, for a list of its own. What it refuses without a look says so, too, and is no less refused.
  if (said.is_skipped === true && action === 'accept')
    return { kind: 'skipped', detail: 'it skips this one' };
  const { messages, milter } = said;
  const smtp = isObject(messages) ? messages.smtp_message : undefined;
  return {
    ...{ kind: 'scored', score, threshold, action },
    rules: isObject(symbols) ? rulesOf(symbols) : [],
    text: typeof smtp === 'string' ? plainText(smtp) : '',
    edits: editsOf(said, action, isObject(milter) ? milter : {}),
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** The weightiest first: they are what an answer that has to be cut should keep. */
function rulesOf(symbols: Json): readonly FiredRule[] {
  const rules = Object.entries(symbols).map(([name, symbol]) => {
    const score = isObject(symbol) && isNumber(symbol.score) ? symbol.score : 0;
    return { name, score };
  });
  return plainRules(rules.sort((a, b) => Math.abs(b.score) - Math.abs(a.score)));
}

function editsOf(said: Json, action: ScanAction, milter: Json): readonly ScanEdit[] {
  const edits: ScanEdit[] = [];
  if (isObject(milter.remove_headers)) {
    for (const [name, nth] of Object.entries(milter.remove_headers)) {
      if (!isNumber(nth)) throw new ScanError('broken', 'a field to remove without its number');
      edits.push(removal(fieldNameOf(name), nth));
    }
  }
  if (isObject(milter.add_headers)) {
    for (const [name, given] of Object.entries(milter.add_headers)) {
      for (const each of Array.isArray(given) ? given : [given])
        edits.push({ kind: 'add-field', name: fieldNameOf(name), ...fieldIn(each) });
    }
  }
  if (action === 'rewrite-subject' && typeof said.subject === 'string') {
    const value = fieldValueOf(said.subject);
    edits.push(
      { kind: 'remove-fields', name: 'Subject' },
      { kind: 'add-field', name: 'Subject', value },
    );
  }
  if (edits.length > editsMax) throw new ScanError('broken', 'changes without end');
  return edits;
}

/** 0 and what counts from the end mean all: more than one of that name is nothing a sender should rely on. */
function removal(name: string, nth: number): ScanEdit {
  return nth >= 1
    ? { kind: 'change-field', name, nth: Math.floor(nth), value: '' }
    : { kind: 'remove-fields', name };
}

/** `"text"`, or `{ value, order }`, whose order is the place among the fields. */
function fieldIn(given: unknown): { readonly value: string; readonly at?: number } {
  if (typeof given === 'string') return { value: fieldValueOf(given) };
  if (!isObject(given) || typeof given.value !== 'string')
    throw new ScanError('broken', 'a field to add without its value');
  const { order } = given;
  const at = isNumber(order) && order >= 0 ? { at: Math.floor(order) } : {};
  return { value: fieldValueOf(given.value), ...at };
}
