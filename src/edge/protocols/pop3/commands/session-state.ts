/**
 * Commands about the session itself: CAPA, STLS, UTF8, NOOP.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 2449 §5 (CAPA); RFC 2595 §4 (STLS); RFC 6856 §2 (UTF8); RFC 1939 §5 (NOOP).
 */

import { latin1 } from '../../../../base/bytes.ts';
import { parseNothing } from '../../../../mail/wire/pop3/parse.ts';
import { isSaid } from '../../session/serial-session.ts';
import { capabilityNames } from '../capabilities.ts';
import { anyState, type Pop3Command } from '../command.ts';
import { bad, ok } from '../replies.ts';

export const capaCommand = {
  name: 'CAPA',
  states: anyState,
  parse: parseNothing,
  run(session) {
    const lines = capabilityNames(session).map((name) => `${name}\r\n`);
    session.send(latin1(`+OK What works here\r\n${lines.join('')}.\r\n`));
    return isSaid;
  },
} as const satisfies Pop3Command<true>;

export const stlsCommand = {
  name: 'STLS',
  states: ['early'],
  parse: parseNothing,
  run(session) {
    if (session.tls !== undefined) return bad('TLS is active already');
    if (!session.canStartTls) return bad('No TLS here');
    session.startTls();
    return ok('Begin TLS now');
  },
} as const satisfies Pop3Command<true>;

/** RFC 6856 §2.1: in AUTHORIZATION only. What is sent needs no change by it: see README.md. */
export const utf8Command = {
  name: 'UTF8',
  states: ['early'],
  parse: parseNothing,
  run: () => ok('UTF-8 it is'),
} as const satisfies Pop3Command<true>;

export const noopCommand = {
  name: 'NOOP',
  states: ['transaction'],
  parse: parseNothing,
  run: () => ok('Nothing done'),
} as const satisfies Pop3Command<true>;
