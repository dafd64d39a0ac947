/**
 * `chaski COMMAND`: finds the command, reads its options, runs it, and turns what went wrong into an exit code.
 *
 * Runs in:   the CLI's process; `serve` makes it the server's.
 */

import { parseArgs } from 'node:util';
import { MailError } from '../base/errors.ts';
import { describeFaults, nearest, SettingsError } from '../settings/fault.ts';
import { load } from '../settings/load.ts';
import type { Settings } from '../settings/schema.ts';
import {
  type Command,
  type CommandCall,
  exitCodes,
  OptionValues,
  UnreachableError,
  UsageError,
} from './command.ts';
import { type Found, findCommand, loadAll, outsideCommands } from './commands.ts';
import { type Control, type OpenOffline, openControl, openServer } from './control-client.ts';
import { commandHelp, groupHelp, mainHelp, sharedOptions } from './help.ts';
import { Output, type OutputStreams } from './output.ts';
import { openRestControl } from './rest-control.ts';

export interface MainOptions {
  readonly streams: OutputStreams;
  readonly input: AsyncIterable<Uint8Array>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly openOffline?: OpenOffline;
}

/** Runs one command line (without `chaski`) and gives its exit code. */
export async function main(line: readonly string[], options: MainOptions): Promise<number> {
  const isJson = line.includes('--json');
  const output = new Output(isJson, options.streams);
  try {
    return await runLine(line, output, options);
  } catch (error) {
    return explain(error, output);
  }
}

async function runLine(
  words: readonly string[],
  output: Output,
  options: MainOptions,
): Promise<number> {
  const line = commandFirst(words);
  const found = await findCommand(line);
  const wantsHelp = line.includes('--help') || line.includes('-h');
  if (found.kind === 'outside') return await found.command.run(line.slice(1));
  if (found.kind === 'command') {
    const { command, rest } = found;
    if (!wantsHelp) return await runCommand(command, rest, output, options);
    print(options.streams.out, commandHelp(command));
    return exitCodes.done;
  }
  const help =
    found.kind === 'group'
      ? groupHelp(found.group, found.commands)
      : mainHelp(await loadAll(), outsideSummaries());
  if (wantsHelp || line[0] === 'help') {
    print(options.streams.out, help);
    return exitCodes.done;
  }
  refuseUnknown(line, found);
  print(options.streams.error, help);
  return exitCodes.usage;
}

function outsideSummaries(): readonly (readonly [string, string])[] {
  return Object.entries(outsideCommands).map(([name, { summary }]) => [name, summary]);
}

/** Moves `-c FILE` and its like from before the command to behind it. */
function commandFirst(line: readonly string[]): readonly string[] {
  let at = 0;
  while (line[at]?.startsWith('-')) {
    const name = line[at]!.replace(/^-+/, '');
    const option = Object.entries(sharedOptions).find(
      ([long, { short }]) => name === long || name === short,
    )?.[1];
    at += option?.type === 'string' ? 2 : 1;
  }
  return [...line.slice(at), ...line.slice(0, at)];
}

/** @throws UsageError where a word stands for a command that is none. */
function refuseUnknown(
  line: readonly string[],
  found: Exclude<Found, { kind: 'command' | 'outside' }>,
) {
  const isGroup = found.kind === 'group';
  const wrong = line[isGroup ? 1 : 0];
  if (wrong === undefined || wrong.startsWith('-')) return;
  const known = isGroup ? found.commands.map(({ name }) => name.split(' ')[1]!) : found.names;
  const close = nearest(wrong, known);
  const before = isGroup ? `${found.group} ` : '';
  const hint =
    close === undefined ? `see chaski ${before}--help` : `did you mean chaski ${before}${close}?`;
  throw new UsageError(`there is no command "${before}${wrong}"; ${hint}`);
}

async function runCommand(
  command: Command,
  rest: readonly string[],
  output: Output,
  options: MainOptions,
): Promise<number> {
  const parsed = parse(command, rest);
  const values = new OptionValues(parsed.values);
  const file = values.text('config');
  const assignments = values.texts('set');
  const url = urlOf(command, values);
  const settingsSources = file === undefined ? { assignments } : { file, assignments };
  let settings: Settings | undefined;
  let control: Promise<Control> | undefined;
  const call: CommandCall = {
    arguments: parsed.positionals,
    options: values,
    output,
    settingsSources,
    settings() {
      settings ??= loadSettings({ ...settingsSources, ...environmentOf(options) });
      return settings;
    },
    control() {
      control ??=
        url === undefined
          ? openControl(call.settings(), options.openOffline)
          : openRestControl(url, values.text('token-file'));
      return control;
    },
    async server() {
      if (url !== undefined) return await call.control();
      const server = await openServer(call.settings());
      if (server !== undefined) control ??= Promise.resolve(server);
      return server;
    },
    input: () => readAll(options.input),
  };
  try {
    return (await command.run(call)) ?? exitCodes.done;
  } finally {
    await control?.then((opened) => opened.close()).catch(() => {});
  }
}

/** Undefined: the server of this machine. A command's own option of that name is another thing. */
function urlOf({ options = {} }: Command, values: OptionValues): string | undefined {
  return Object.hasOwn(options, 'url') ? undefined : values.text('url');
}

function parse(command: Command, rest: readonly string[]) {
  const table: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> =
    {};
  for (const [name, { type, short, multiple }] of Object.entries({
    ...command.options,
    ...sharedOptions,
  })) {
    table[name] = {
      type,
      ...(short === undefined ? {} : { short }),
      ...(multiple === undefined ? {} : { multiple }),
    };
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...rest], options: table, allowPositionals: true, strict: true });
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`${message.split('. ')[0]}; see chaski ${command.name} --help`);
  }
  const [least, most] = command.argumentCount ?? [0, 0];
  const given = parsed.positionals.length;
  if (given >= least && given <= most) return parsed;
  const what = command.arguments === undefined ? 'no arguments' : command.arguments;
  const problem = given < least ? 'arguments are missing' : 'there are too many arguments';
  throw new UsageError(`${problem}: chaski ${command.name} takes ${what}`);
}

function environmentOf(options: MainOptions) {
  return options.environment === undefined ? {} : { environment: options.environment };
}

function loadSettings(options: Parameters<typeof load>[0]): Settings {
  const loaded = load(options);
  if (!loaded.ok) throw new SettingsError(loaded.faults);
  return loaded.settings;
}

function explain(error: unknown, output: Output): number {
  if (error instanceof UsageError) {
    output.fault('usage', error.message);
    return exitCodes.usage;
  }
  if (error instanceof SettingsError) {
    output.fault('settings', describeFaults(error.faults));
    return exitCodes.settings;
  }
  if (error instanceof UnreachableError) {
    output.fault('unreachable', error.message);
    return exitCodes.unreachable;
  }
  if (error instanceof MailError) {
    output.fault(error.code, error.detail === '' ? error.code : error.detail);
    return exitCodes.failed;
  }
  output.fault('failed', error instanceof Error ? error.message : String(error));
  return exitCodes.failed;
}

function print(stream: OutputStreams['out'], lines: readonly string[]): void {
  for (const line of lines) stream.write(`${line}\n`);
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of input) pieces.push(piece);
  return Buffer.concat(pieces);
}
