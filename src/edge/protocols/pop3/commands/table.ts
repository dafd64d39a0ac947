/**
 * All commands, by name.
 *
 * Runs in: edge (main thread).
 */

import type { Pop3Command } from '../command.ts';
import { deleCommand, quitCommand, rsetCommand } from './deletion.ts';
import { listCommand, statCommand, uidlCommand } from './list.ts';
import { authCommand, passCommand, userCommand } from './log-in.ts';
import { retrCommand, topCommand } from './retrieve.ts';
import { capaCommand, noopCommand, stlsCommand, utf8Command } from './session-state.ts';

/** A row whose arguments only its own parser and run know. */
export type AnyCommand = Pop3Command<never>;

const all = [
  capaCommand,
  stlsCommand,
  utf8Command,
  userCommand,
  passCommand,
  authCommand,
  statCommand,
  listCommand,
  uidlCommand,
  retrCommand,
  topCommand,
  deleCommand,
  rsetCommand,
  noopCommand,
  quitCommand,
] as const;

export const commands: ReadonlyMap<string, AnyCommand> = new Map(
  all.map((command) => [command.name, command as unknown as AnyCommand]),
);
