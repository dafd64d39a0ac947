/**
 * Commands about the session itself: CAPABILITY, NOOP, CHECK, LOGOUT, STARTTLS, ID, ENABLE, NAMESPACE, IDLE.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.1, §6.2.1, §6.3.1, §6.3.10, §6.3.13; RFC 3501 §6.4.1 (CHECK); RFC 2971 (ID).
 */

import { separator } from '../../../../mail/wire/imap/mailbox-name.ts';
import { parseEnable, parseId, parseNothing } from '../../../../mail/wire/imap/parse-session.ts';
import { writeId, writeNames, writeNamespace } from '../../../../mail/wire/imap/response-data.ts';
import {
  untagged,
  writeContinuation,
  writeStatus,
} from '../../../../mail/wire/imap/response-status.ts';
import { bad, no, ok } from '../answers.ts';
import { capabilityNames } from '../capabilities.ts';
import { anyState, endsLater, type ImapCommand, loggedInStates } from '../command.ts';

export const capabilityCommand = {
  name: 'CAPABILITY',
  states: anyState,
  parse: parseNothing,
  run(session) {
    session.respond((writer) => writeNames(writer, 'CAPABILITY', capabilityNames(session)));
    return ok('CAPABILITY done');
  },
} as const satisfies ImapCommand<true>;

/** Clients poll with it: what changed is told though no notice came. */
export const noopCommand = {
  name: 'NOOP',
  states: anyState,
  changesMailbox: true,
  parse: parseNothing,
  run: () => ok('NOOP done'),
} as const satisfies ImapCommand<true>;

/** RFC 3501 §6.4.1: everything answered is on disk already. */
export const checkCommand = {
  name: 'CHECK',
  states: ['selected'],
  changesMailbox: true,
  parse: parseNothing,
  run: () => ok('CHECK done'),
} as const satisfies ImapCommand<true>;

export const logoutCommand = {
  name: 'LOGOUT',
  states: anyState,
  parse: parseNothing,
  run(session) {
    session.respond((writer) => writeStatus(writer, untagged, 'BYE', '', 'Logging out'));
    session.end();
    return ok('LOGOUT done');
  },
} as const satisfies ImapCommand<true>;

export const starttlsCommand = {
  name: 'STARTTLS',
  states: ['early'],
  parse: parseNothing,
  run(session) {
    if (session.tls !== undefined) return bad('TLS is active already');
    if (!session.canStartTls) return no('No TLS here', 'UNAVAILABLE');
    session.startTls();
    return ok('Begin TLS now');
  },
} as const satisfies ImapCommand<true>;

export const idCommand = {
  name: 'ID',
  states: anyState,
  parse: parseId,
  run(session) {
    const { version } = session.service.policy;
    const pairs = [
      ['name', 'Chaski'],
      ['version', version],
    ] as const;
    session.respond((writer) => writeId(writer, pairs));
    return ok('ID done');
  },
} as const satisfies ImapCommand<ReadonlyMap<string, string | null>>;

const enableable: readonly string[] = [
  'IMAP4rev2',
  'CONDSTORE',
  'QRESYNC',
  'METADATA',
  'UTF8=ACCEPT',
  'UIDONLY',
];

/** RFC 9051 §6.3.1: what is not known is passed over in silence. */
export const enableCommand = {
  name: 'ENABLE',
  states: ['authenticated'],
  parse: parseEnable,
  run(session, names) {
    session.isRev2 ||= names.includes('IMAP4REV2');
    session.isUtf8Accepted ||= names.includes('UTF8=ACCEPT');
    session.isQresync ||= names.includes('QRESYNC');
    session.isUidOnly ||= names.includes('UIDONLY');
    // RFC 7162 §3.2.3: QRESYNC brings CONDSTORE along.
    session.isCondstore ||= names.includes('CONDSTORE') || session.isQresync;
    session.isMetadata ||= names.includes('METADATA');
    const enabled = enableable.filter((name) => names.includes(name.toUpperCase()));
    session.respond((writer) => writeNames(writer, 'ENABLED', enabled));
    return ok('ENABLE done');
  },
} as const satisfies ImapCommand<readonly string[]>;

export const namespaceCommand = {
  name: 'NAMESPACE',
  states: loggedInStates,
  parse: parseNothing,
  run(session) {
    const { otherUsers } = session.service.policy;
    session.respond((writer) => writeNamespace(writer, [''], [`${otherUsers}${separator}`], []));
    return ok('NAMESPACE done');
  },
} as const satisfies ImapCommand<true>;

export const idleCommand = {
  name: 'IDLE',
  states: loggedInStates,
  parse: parseNothing,
  run(session, _, tag) {
    session.respond((writer) => writeContinuation(writer, 'idling'));
    session.news.idle(tag);
    return endsLater;
  },
} as const satisfies ImapCommand<true>;
