/**
 * All that a script may require, and the commands and tests that come with it.
 *
 * Runs in:   anywhere.
 * Invariant: an extension stands here only where all of it works.
 */

import { comparators } from '../compare/comparator.ts';
import { body } from '../extensions/body.ts';
import { core } from '../extensions/core.ts';
import { dates } from '../extensions/dates.ts';
import { duplicate } from '../extensions/duplicate.ts';
import { editHeader } from '../extensions/edit-header.ts';
import { environment } from '../extensions/environment.ts';
import { filing } from '../extensions/filing.ts';
import { flags } from '../extensions/flags.ts';
import { mailboxes } from '../extensions/mailboxes.ts';
import { mime } from '../extensions/mime.ts';
import { notify } from '../extensions/notify.ts';
import { reject } from '../extensions/reject.ts';
import { snooze } from '../extensions/snooze.ts';
import { vacation } from '../extensions/vacation.ts';
import { variables } from '../extensions/variables.ts';
import { verdicts } from '../extensions/verdicts.ts';
import type { CommandSpec, Extension, TestSpec } from './spec.ts';

const extensions: readonly Extension[] = [
  core,
  filing,
  reject,
  variables,
  flags,
  body,
  dates,
  vacation,
  environment,
  mailboxes,
  notify,
  duplicate,
  editHeader,
  verdicts,
  mime,
  snooze,
];

/** Those that the compiler and the matching bring themselves. */
const builtIn = [
  'encoded-character',
  'relational',
  'subaddress',
  'regex',
  'include',
  'imapsieve',
  ...Object.keys(comparators).map((name) => `comparator-${name}`),
];

/** As `require` names them. */
export const capabilities: ReadonlySet<string> = new Set([
  ...extensions.flatMap(({ names }) => names),
  ...builtIn,
]);

export const commandSpecs: ReadonlyMap<string, CommandSpec> = new Map(
  extensions.flatMap(({ commands = [] }) => commands.map((spec) => [spec.name, spec] as const)),
);

export const testSpecs: ReadonlyMap<string, TestSpec> = new Map(
  extensions.flatMap(({ tests = [] }) => tests.map((spec) => [spec.name, spec] as const)),
);
