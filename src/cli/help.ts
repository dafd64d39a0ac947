/**
 * The words of `--help`.
 *
 * Runs in:   the CLI's process; pure.
 */

import { type Command, exitCodes, type OptionWords } from './command.ts';

/** Options every command takes. */
export const sharedOptions: Readonly<Record<string, OptionWords>> = {
  config: { type: 'string', short: 'c', value: 'FILE', doc: 'TOML file with settings.' },
  set: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    doc: 'One setting, over file and environment. May stand more than once.',
  },
  url: {
    type: 'string',
    value: 'URL',
    doc: "Ask the admin API there, not this machine's server.",
  },
  'token-file': {
    type: 'string',
    value: 'FILE',
    doc: 'Holds the access token or API key that --url is asked with.',
  },
  json: { type: 'boolean', doc: 'Print JSON.' },
  help: { type: 'boolean', short: 'h', doc: 'Print this help.' },
};

const exitLine =
  `Exit codes: ${exitCodes.done} done, ${exitCodes.failed} failed, ${exitCodes.usage} wrong usage, ` +
  `${exitCodes.unreachable} no server answers, ${exitCodes.settings} wrong settings.`;

export function commandHelp(command: Command): readonly string[] {
  const options = { ...command.options, ...sharedOptions };
  const parts = ['chaski', command.name, command.arguments ?? '', '[options]'];
  return [
    `Usage: ${parts.filter((part) => part !== '').join(' ')}`,
    '',
    command.summary,
    ...(command.notes === undefined ? [] : ['', command.notes]),
    '',
    'Options:',
    ...columns(
      Object.entries(options).map(([name, option]) => [optionText(name, option), option.doc]),
    ),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...command.examples.map((example) => `  ${exampleText(example)}`),
    '',
    exitLine,
  ];
}

export function groupHelp(group: string, commands: readonly Command[]): readonly string[] {
  return [
    `Usage: chaski ${group} ACTION [options]`,
    '',
    'Actions:',
    ...columns(commands.map((command) => [nameOf(command), command.summary])),
    '',
    `Example: ${exampleText(commands[0]!.examples[0]!)}`,
    `Help on one: chaski ${commands[0]!.name} --help`,
  ];
}

export function mainHelp(
  commands: readonly Command[],
  outside: readonly (readonly [name: string, summary: string])[],
): readonly string[] {
  return [
    'Usage: chaski COMMAND [options]',
    '',
    'A mail engine: it receives, signs, queues, delivers and stores mail.',
    '',
    'Commands:',
    ...columns([
      ...commands.map((command): [string, string] => [nameOf(command), command.summary]),
      ...outside,
    ]),
    '',
    'Options of every command:',
    ...columns(
      Object.entries(sharedOptions).map(([name, option]) => [optionText(name, option), option.doc]),
    ),
    '',
    'Example: chaski init example.org && chaski serve',
    'Help on one: chaski queue list --help',
    exitLine,
  ];
}

/** An example is a command's line, or after a bar a whole line of shell. */
function exampleText(example: string): string {
  return example.startsWith('|') ? example.slice(1) : `chaski ${example}`;
}

function nameOf(command: Command): string {
  return command.arguments === undefined ? command.name : `${command.name} ${command.arguments}`;
}

function optionText(name: string, option: OptionWords): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  return `${short}--${name}${value}`;
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
