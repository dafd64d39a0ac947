/**
 * All commands, by name; those that are about the session alone stand here.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 5804 §2.
 */

import { stringOf } from '../../../mail/wire/managesieve/response.ts';
import { capabilityLines } from './capabilities.ts';
import { anyState, bad, type ManageSieveCommand, ok, textOf } from './command.ts';
import { authenticateCommand, unauthenticateCommand } from './log-in.ts';
import { scriptCommands } from './scripts.ts';

const startTls: ManageSieveCommand = {
  name: 'STARTTLS',
  states: ['early'],
  run(session, args) {
    if (args.length > 0) return bad('STARTTLS takes nothing');
    if (!session.canStartTls) return bad('There is no TLS to start');
    session.startTls();
    return ok('Begin TLS');
  },
};

const logout: ManageSieveCommand = {
  name: 'LOGOUT',
  states: anyState,
  run(session) {
    session.end();
    return ok('Bye');
  },
};

const capability: ManageSieveCommand = {
  name: 'CAPABILITY',
  states: anyState,
  run(session, args) {
    if (args.length > 0) return bad('CAPABILITY takes nothing');
    session.send(capabilityLines(session));
    return ok('That is what there is');
  },
};

/** RFC 5804 §2.13: a tag comes back as it was given. */
const noop: ManageSieveCommand = {
  name: 'NOOP',
  states: anyState,
  run(_session, args) {
    if (args.length === 0) return ok('Done');
    const tag = textOf(args[0]);
    if (tag === undefined || args.length > 1) return bad('NOOP takes a tag, or nothing');
    return { status: 'OK', code: `TAG ${stringOf(tag).toString('utf8')}`, words: 'Done' };
  },
};

const all = [
  ...[authenticateCommand, unauthenticateCommand, startTls, logout, capability, noop],
  ...scriptCommands,
];

export const commands: ReadonlyMap<string, ManageSieveCommand> = new Map(
  all.map((one) => [one.name, one]),
);
