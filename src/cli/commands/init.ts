/** `chaski init`: a data folder with a first domain and its postmaster, without a question asked. */

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { DomainAnswer } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import type { Control } from '../control-client.ts';
import { pairs } from '../output.ts';
import { readPassword } from './account.ts';
import { recordLines } from './domain.ts';

const init: Command = {
  name: 'init',
  summary: 'Make the data folder, a domain, and its postmaster account.',
  arguments: 'DOMAIN',
  argumentCount: [1, 1],
  options: {
    'password-stdin': {
      type: 'boolean',
      doc: "Read the postmaster's password from standard input; else one is made and printed once.",
    },
  },
  examples: ['init example.org', 'init example.org --set data.dir=/var/lib/chaski'],
  notes: 'What is there already stays as it is: running it twice changes nothing.',
  async run({ arguments: [name], options, output, settings, control, input }) {
    const given = options.isSet('password-stdin') ? await readPassword(input) : undefined;
    const folder = settings().data.dir;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const connection = await control();
    const domain = await domainOf(connection, name!);
    const address = `postmaster@${domain.domain.name}`;
    const password = given ?? randomBytes(15).toString('base64url');
    const isNew = await createAccount(connection, address, password);
    const value = {
      folder,
      ...domain,
      postmaster: address,
      ...(isNew && given === undefined ? { password } : {}),
    };
    output.result(value, (shown) => [
      ...pairs([
        ['data folder', shown.folder],
        ['domain', shown.domain.name],
        ['postmaster', shown.postmaster],
        ['password', shown.password ?? (isNew ? 'as given' : 'unchanged')],
      ]),
      ...recordLines(shown.records),
    ]);
    return undefined;
  },
};

async function domainOf(connection: Control, name: string): Promise<DomainAnswer> {
  try {
    return await connection.call('domain.create', { name });
  } catch (error) {
    if (!(error instanceof MailError) || error.code !== 'already-exists') throw error;
    return await connection.call('domain.show', { name });
  }
}

/** False where the account was there. */
async function createAccount(
  connection: Control,
  address: string,
  password: string,
): Promise<boolean> {
  try {
    await connection.call('account.create', { address, password });
    return true;
  } catch (error) {
    if (error instanceof MailError && error.code === 'already-exists') return false;
    throw error;
  }
}

export const initCommands: readonly Command[] = [init];
