/**
 * All commands, by verb. What sessions know, HELP and metrics labels come from here.
 *
 * Runs in:   edge (main thread).
 */

import type { Buffer } from 'node:buffer';
import { verbEnd, verbKey, verbKeyOf } from '../../../../mail/wire/smtp/session-commands.ts';
import type { SmtpCommand } from '../command.ts';
import type { Dialect } from '../service.ts';
import { authCommand } from './auth.ts';
import { bdatCommand } from './bdat.ts';
import { dataCommand } from './data.ts';
import { ehloCommand, heloCommand, lhloCommand } from './hello.ts';
import { mailCommand } from './mail.ts';
import { rcptCommand } from './rcpt.ts';
import {
  expnCommand,
  helpCommand,
  noopCommand,
  quitCommand,
  rsetCommand,
  vrfyCommand,
} from './session-end.ts';
import { starttlsCommand } from './starttls.ts';
import { xclientCommand } from './xclient.ts';

const commands: readonly SmtpCommand[] = [
  ehloCommand,
  heloCommand,
  lhloCommand,
  mailCommand,
  rcptCommand,
  dataCommand,
  bdatCommand,
  rsetCommand,
  noopCommand,
  quitCommand,
  vrfyCommand,
  expnCommand,
  helpCommand,
  starttlsCommand,
  authCommand,
  xclientCommand,
];

function tableFor(dialect: Dialect): ReadonlyMap<number, SmtpCommand> {
  const known = commands.filter(({ only }) => only === undefined || only === dialect);
  // The first four letters tell all our verbs apart; `commandAt` compares the length too.
  return new Map(known.map((command) => [verbKeyOf(command.name), command]));
}

const tables = { smtp: tableFor('smtp'), lmtp: tableFor('lmtp') } as const;

/** The command whose verb stands at `from`, whatever the case of its letters. */
export function commandAt(
  dialect: Dialect,
  line: Buffer,
  from: number,
  to: number,
): SmtpCommand | undefined {
  const command = tables[dialect].get(verbKey(line, from, to));
  if (command === undefined || verbEnd(line, from, to) - from !== command.name.length) {
    return undefined;
  }
  if (command.name.length === 4) return command;
  const verb = line.toString('latin1', from, from + command.name.length).toUpperCase();
  return verb === command.name ? command : undefined;
}
