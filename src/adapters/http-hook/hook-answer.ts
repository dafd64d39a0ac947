/**
 * Reads what a hook answers: `{ "action": "reject", "text": "550 5.7.1 Not here", … }`.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.2 (replies), RFC 3463 (enhanced codes).
 * Invariant: an answer without a known action is none: it throws. A reply in it has the class that its action needs.
 */

import { editsMax, type ScanAction, type ScanEdit } from '../../ports/content-scanner.ts';
import { isObject, type Json, jsonOf } from '../scanning/http-calls.ts';
import { ScanError } from '../scanning/scan-error.ts';
import { smtpReplyOf } from '../scanning/smtp-reply.ts';
import { addressOf, fieldNameOf, fieldValueOf, plainNames, plainText } from '../scanning/words.ts';

const actions: readonly ScanAction[] = [
  'accept',
  'add-header',
  'rewrite-subject',
  'quarantine',
  'discard',
  'defer',
  'reject',
];

export interface HookAnswer {
  readonly action: ScanAction;
  /** An SMTP reply or why it is held; "": our own words. */
  readonly text: string;
  readonly infected: readonly string[];
  readonly edits: readonly ScanEdit[];
}

/** @throws ScanError */
export function hookAnswer(body: string): HookAnswer {
  const said = jsonOf(body);
  const action = actions.find((each) => each === said.action);
  if (action === undefined) throw new ScanError('broken', 'an answer without a known action');
  const { text = '', infected = [], edits = [] } = said;
  if (typeof text !== 'string' || !Array.isArray(infected) || !Array.isArray(edits))
    throw new ScanError('broken', 'text, infected or edits are something else');
  if (edits.length > editsMax) throw new ScanError('broken', 'changes without end');
  const names = infected.filter((name) => typeof name === 'string');
  const isReply = action === 'reject' || action === 'defer';
  return {
    ...{ action, text: isReply ? smtpReplyOf(text, action) : plainText(text) },
    ...{ infected: plainNames(names), edits: edits.map(editOf) },
  };
}

function editOf(given: unknown): ScanEdit {
  if (!isObject(given)) throw new ScanError('broken', 'a change that is none');
  switch (given.kind) {
    case 'add-field': {
      const at = given.at === undefined ? {} : { at: numberIn(given, 'at', 0) };
      return { kind: 'add-field', name: nameIn(given), value: valueIn(given), ...at };
    }
    case 'change-field':
      return {
        ...{ kind: 'change-field', name: nameIn(given), value: valueIn(given) },
        nth: given.nth === undefined ? 1 : numberIn(given, 'nth', 1),
      };
    case 'remove-fields':
      return { kind: 'remove-fields', name: nameIn(given) };
    case 'change-sender':
      return { kind: 'change-sender', address: addressOf(textIn(given, 'address')) };
    case 'add-recipient':
    case 'remove-recipient':
      return { kind: given.kind, address: addressOf(textIn(given, 'address')) };
    default:
      throw new ScanError('broken', 'a change of an unknown kind');
  }
}

function nameIn(given: Json): string {
  return fieldNameOf(textIn(given, 'name'));
}

function valueIn(given: Json): string {
  return fieldValueOf(textIn(given, 'value'));
}

function textIn(given: Json, key: string): string {
  const text = given[key];
  if (typeof text !== 'string') throw new ScanError('broken', `a change without ${key}`);
  return text;
}

function numberIn(given: Json, key: string, min: number): number {
  const number = given[key];
  if (!Number.isInteger(number) || (number as number) < min)
    throw new ScanError('broken', `a change whose ${key} is no number`);
  return number as number;
}
