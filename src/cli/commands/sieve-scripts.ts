/** `chaski sieve list|show|put|activate|deactivate|delete`: the scripts that an account keeps on the server. */

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { placeOf } from '../../mail/sieve/fault.ts';
import { decodeScript } from '../../mail/sieve/syntax/octets.ts';
import { type Command, exitCodes } from '../command.ts';
import { count, size, table } from '../output.ts';
import { faultLines, warningLines } from '../sieve/fault-lines.ts';

const list: Command = {
  name: 'sieve list',
  summary: 'List the scripts of an account.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['sieve list ann@example.org'],
  async run({ arguments: [account], output, control }) {
    const { scripts } = await (await control()).call('script.list', { account: account! });
    output.result(scripts, (shown) =>
      table(
        ['SCRIPT', 'ACTIVE', 'SIZE'],
        shown.map(({ name, isActive, bytes }) => [name, isActive ? 'yes' : '-', size(bytes)]),
      ),
    );
    return undefined;
  },
};

const show: Command = {
  name: 'sieve show',
  summary: 'Print a script of an account.',
  arguments: 'ACCOUNT NAME',
  argumentCount: [2, 2],
  examples: ['sieve show ann@example.org rules'],
  async run({ arguments: [account, name], output, control }) {
    const params = { account: account!, name: name! };
    const answer = await (await control()).call('script.show', params);
    output.result(answer, ({ source }) => source.replace(/\r?\n$/, ''));
    return undefined;
  },
};

const put: Command = {
  name: 'sieve put',
  summary: 'Keep a script for an account on the server.',
  arguments: 'ACCOUNT FILE',
  argumentCount: [2, 2],
  options: {
    name: {
      type: 'string',
      value: 'NAME',
      doc: "What it is called there; the file's name without .sieve when left out.",
    },
    activate: { type: 'boolean', doc: 'Run it on mail that comes from now on.' },
  },
  examples: [
    'sieve put ann@example.org rules.sieve --activate',
    'sieve put ann@example.org /tmp/new.sieve --name rules',
  ],
  notes: 'Exit code 1: the script has faults, and what was there stays.',
  async run({ arguments: [account, file], options, output, control }) {
    const { source, fault } = decodeScript(await readFile(file!));
    if (fault !== undefined) {
      const { line, column } = placeOf(source, fault.at);
      output.fault('script-invalid', `${file}:${line}:${column}: ${fault.message}`);
      return exitCodes.failed;
    }
    const name = options.text('name') ?? basename(file!).replace(/\.sieve$/, '');
    const activate = options.isSet('activate');
    const params = { account: account!, name, source, activate };
    const answer = await (await control()).call('script.put', params);
    output.result({ name, ...answer }, ({ isKept, faults, warnings }) => [
      ...faultLines(file!, faults),
      ...warningLines(file!, warnings),
      isKept
        ? `${name} is kept${activate ? ', and active' : ''}.`
        : `${count(faults.length, 'fault')}: not kept.`,
    ]);
    return answer.isKept ? undefined : exitCodes.failed;
  },
};

const activate: Command = {
  name: 'sieve activate',
  summary: 'Run a script of an account on mail that comes, in place of the one before.',
  arguments: 'ACCOUNT NAME',
  argumentCount: [2, 2],
  examples: ['sieve activate ann@example.org vacation'],
  async run({ arguments: [account, name], output, control }) {
    await (await control()).call('script.activate', { account: account!, name: name! });
    output.result({ name }, () => `${name} is active.`);
    return undefined;
  },
};

const deactivate: Command = {
  name: 'sieve deactivate',
  summary: 'Run no script of an account any more.',
  arguments: 'ACCOUNT',
  argumentCount: [1, 1],
  examples: ['sieve deactivate ann@example.org'],
  async run({ arguments: [account], output, control }) {
    await (await control()).call('script.deactivate', { account: account! });
    output.result({}, () => 'No script is active.');
    return undefined;
  },
};

const remove: Command = {
  name: 'sieve delete',
  summary: 'Delete a script of an account that is not the active one.',
  arguments: 'ACCOUNT NAME',
  argumentCount: [2, 2],
  examples: ['sieve delete ann@example.org old-rules'],
  async run({ arguments: [account, name], output, control }) {
    await (await control()).call('script.delete', { account: account!, name: name! });
    output.result({ name }, () => `${name} is deleted.`);
    return undefined;
  },
};

export const sieveScriptCommands: readonly Command[] = [
  ...[list, show, put, activate, deactivate, remove],
];
