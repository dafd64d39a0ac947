/**
 * CANCELUPDATE: no more is told of a search's results.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5267 §4.3.5.
 */

import type { Cursor } from '../../../../mail/wire/imap/cursor.ts';
import { space } from '../../../../mail/wire/imap/octets.ts';
import {
  expectEnd,
  expectSpace,
  parseString,
  takeOctet,
} from '../../../../mail/wire/imap/parse-strings.ts';
import { bad, ok } from '../answers.ts';
import { type ImapCommand, selectedState } from '../command.ts';
import { isTagInUse } from '../contexts.ts';

function parseTags(cursor: Cursor): readonly string[] | undefined {
  if (!expectSpace(cursor)) return undefined;
  const tags: string[] = [];
  do {
    const tag = parseString(cursor);
    if (tag === undefined) return undefined;
    tags.push(tag);
  } while (takeOctet(cursor, space));
  return expectEnd(cursor) ? tags : undefined;
}

export const cancelUpdateCommand = {
  name: 'CANCELUPDATE',
  states: selectedState,
  parse: parseTags,
  run: (session, tags) => {
    const selected = session.selected!;
    if (!tags.every((tag) => isTagInUse(selected, tag))) return bad('No such search is kept');
    selected.contexts = selected.contexts.filter(({ tag }) => !tags.includes(tag));
    return ok('No further updates');
  },
} as const satisfies ImapCommand<readonly string[]>;
