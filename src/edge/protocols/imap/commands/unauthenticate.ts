/**
 * UNAUTHENTICATE: the connection stays, and the next log-in may be of somebody else.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 8437 §2-3.
 */

import { parseNothing } from '../../../../mail/wire/imap/parse-session.ts';
import { ok } from '../answers.ts';
import { capabilityNames } from '../capabilities.ts';
import { type ImapCommand, loggedInStates } from '../command.ts';

export const unauthenticateCommand = {
  name: 'UNAUTHENTICATE',
  states: loggedInStates,
  parse: parseNothing,
  run(session) {
    session.loggedOut();
    return ok('Logged out', `CAPABILITY ${capabilityNames(session).join(' ')}`);
  },
} as const satisfies ImapCommand<true>;
