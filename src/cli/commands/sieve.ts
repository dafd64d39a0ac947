/** `chaski sieve check|test`: whether a script is right, and what it would do with a message. No server is asked. */

import { readFile } from 'node:fs/promises';
import { nodeClock } from '../../adapters/node/clock.ts';
import { compileScript, scriptFaults } from '../../mail/sieve/compile/compile.ts';
import { scriptWarnings } from '../../mail/sieve/compile/warnings.ts';
import { placeOf, type SieveFault } from '../../mail/sieve/fault.ts';
import type { Action } from '../../mail/sieve/run/actions.ts';
import { runScript } from '../../mail/sieve/run/run.ts';
import { decodeScript } from '../../mail/sieve/syntax/octets.ts';
import { type Command, exitCodes } from '../command.ts';
import { readMessage } from '../message-file.ts';
import { count } from '../output.ts';
import { describeAction } from '../sieve/describe-action.ts';
import { faultLines, warningLines } from '../sieve/fault-lines.ts';
import { listFolder, ScriptFolder } from '../sieve/script-folder.ts';
import { testHost } from '../sieve/test-host.ts';
import { sieveScriptCommands } from './sieve-scripts.ts';

const check: Command = {
  name: 'sieve check',
  summary: 'Say whether a Sieve script is right, and what is wrong by line and column.',
  arguments: 'SCRIPT',
  argumentCount: [1, 1],
  examples: ['sieve check vacation.sieve', 'sieve check vacation.sieve --json'],
  notes:
    'Exit code 1: the script has faults. Warnings are of what it may not have been meant to say. It is only read; nothing runs.',
  async run({ arguments: [file], output }) {
    const { source, fault } = decodeScript(await readFile(file!));
    const placed = ({ at, message }: Pick<SieveFault, 'at' | 'message'>) => ({
      ...placeOf(source, at),
      message,
    });
    const errors = (fault === undefined ? scriptFaults(source) : [fault]).map(placed);
    const warnings = errors.length === 0 ? scriptWarnings(source, '').map(placed) : [];
    const program = errors.length === 0 ? compileScript(source) : undefined;
    const answer = {
      valid: program !== undefined,
      errors,
      warnings,
      extensions: [...(program?.extensions ?? [])],
      includes: program?.includes ?? [],
    };
    output.result(answer, () => [
      ...faultLines(file!, errors),
      ...warningLines(file!, warnings),
      answer.valid ? `${file} is a valid script.` : `${count(errors.length, 'fault')}.`,
    ]);
    return answer.valid ? undefined : exitCodes.failed;
  },
};

const test: Command = {
  name: 'sieve test',
  summary: 'Run a Sieve script against a message, and show what it would do.',
  arguments: 'SCRIPT MESSAGE',
  argumentCount: [2, 2],
  options: {
    'envelope-from': {
      type: 'string',
      value: 'ADDRESS',
      doc: 'The envelope sender, "" for none; Return-Path or From of the message when left out.',
    },
    'envelope-to': {
      type: 'string',
      value: 'ADDRESS',
      doc: 'The envelope recipient; Delivered-To or the first of To when left out.',
    },
    mailboxes: {
      type: 'string',
      value: 'LIST',
      doc: 'Mailboxes there are, by comma; INBOX alone when left out.',
    },
    now: {
      type: 'string',
      value: 'ISO',
      doc: 'The time it runs at, as 2026-11-23T09:00:00+01:00; its zone is the account’s.',
    },
    scripts: {
      type: 'string',
      value: 'DIR',
      doc: 'Where included scripts and lists are: NAME.sieve, NAME.list, the server’s in DIR/global.',
    },
    'spam-percent': { type: 'string', value: 'N', doc: 'What spamtest finds, from 0 to 100.' },
  },
  examples: [
    'sieve test vacation.sieve message.eml',
    'sieve test rules.sieve message.eml --mailboxes INBOX,Junk --now 2026-12-24T18:00:00Z --json',
  ],
  notes:
    'Nothing is delivered, sent or remembered. Exit code 1: the script failed and the message was kept.',
  async run({ arguments: [scriptFile, messageFile], options, output }) {
    const { source, fault: wrong } = decodeScript(await readFile(scriptFile!));
    const [fault] = wrong === undefined ? scriptFaults(source) : [wrong];
    if (fault !== undefined) {
      const { line, column } = placeOf(source, fault.at);
      output.fault('script-invalid', `${scriptFile}:${line}:${column}: ${fault.message}`);
      return exitCodes.failed;
    }
    const message = await readMessage(messageFile!);
    const host = testHost(message, {
      from: options.text('envelope-from'),
      to: options.text('envelope-to'),
      mailboxes: options.text('mailboxes'),
      now: options.text('now'),
      nowMs: nodeClock.nowMs(),
      lists: listFolder(options.text('scripts')),
      spamPercent: options.number('spam-percent', 0, 100),
    });
    const folder = new ScriptFolder(options.text('scripts'));
    const outcome = runScript(compileScript(source), message, host, (include) =>
      folder.find(include),
    );
    output.result(outcome, ({ actions, fault: failure }) => [
      ...(failure === undefined
        ? []
        : [`${scriptFile}:${failure.line}:${failure.column}: ${failure.message}`]),
      ...actions.map((action: Action, i) => `${i + 1}. ${describeAction(action)}`),
    ]);
    return outcome.fault === undefined ? undefined : exitCodes.failed;
  },
};

export const sieveCommands: readonly Command[] = [check, test, ...sieveScriptCommands];
