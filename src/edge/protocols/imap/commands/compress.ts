/**
 * COMPRESS DEFLATE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 4978 §3.
 */

import { parseNameArgument } from '../../../../mail/wire/imap/parse-session.ts';
import { bad, no, ok } from '../answers.ts';
import { type ImapCommand, loggedInStates } from '../command.ts';

export const compressCommand = {
  name: 'COMPRESS',
  states: loggedInStates,
  parse: parseNameArgument,
  run(session, mechanism) {
    if (mechanism !== 'DEFLATE') return bad('Unknown mechanism');
    const begun = session.compress();
    if (begun === 'active') return no('Compressed already', 'COMPRESSIONACTIVE');
    if (begun === 'full') return no('Too many sessions are compressed', 'LIMIT');
    // What is read already was not compressed: nobody could tell where that begins.
    if (begun === 'too-early') return bad('Wait for the answer before saying more');
    return ok('Compressed from now on');
  },
} as const satisfies ImapCommand<string>;
