/**
 * Sieve scripts of accounts, as operators and owners ask for them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import {
  type PackedPut,
  type PackedScript,
  type PutScript,
  type ScriptDone,
  type SieveScripts,
  sieveAsks,
} from '../../actors/asks/sieve-asks.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { type ErrorCode, MailError } from '../../base/errors.ts';
import type { Account } from '../../ports/account-directory.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

const notDone: Readonly<Record<Exclude<ScriptDone, 'done'>, [ErrorCode, string]>> = {
  missing: ['not-found', 'there is no script of that name'],
  exists: ['already-exists', 'another script has that name'],
  active: ['not-possible-now', 'it is the active one: activate another, or none, first'],
};

const noRoom: Readonly<Record<'too-many' | 'too-large' | 'no-room', string>> = {
  'too-many': 'the account has as many scripts as it may (sieve.scriptsMax)',
  'too-large': 'the script is too large (sieve.scriptBytesMax)',
  'no-room': 'the scripts of the account would be too large together (sieve.scriptBytesAllMax)',
};

export function scriptHandlers(parts: ControlParts): ControlHandlers {
  const { directory } = parts;
  const named = (address: string) => accountNamed({ directory }, address);
  const done = async (account: Account, ask: string, name: string): Promise<void> => {
    const { value } = await askAccount(parts, account, ask, owned(account, name));
    if (value === 'done') return;
    const [code, detail] = notDone[value as Exclude<ScriptDone, 'done'>];
    throw new MailError(code, detail);
  };
  return {
    'script.list': async ({ account: address }) => {
      const account = await named(address);
      const { value } = await askAccount(parts, account, sieveAsks.list, [account.id]);
      return { scripts: value as SieveScripts };
    },
    'script.show': async ({ account: address, name }) => {
      const account = await named(address);
      const answer = await askAccount(parts, account, sieveAsks.get, [account.id, name]);
      const { value, body = emptyBytes } = answer;
      if (value !== true) throw new MailError(...notDone.missing);
      return { source: Buffer.from(body).toString('utf8') };
    },
    'script.put': async ({ account: address, name, source, activate }) => {
      const account = await named(address);
      const body = [Buffer.from(source, 'utf8')];
      const meta: PackedPut = [...owned(account, name), account.address];
      const { value } = await askAccount(parts, account, sieveAsks.put, meta, { body });
      const put = value as PutScript;
      if (put.result === 'faulty') return { isKept: false, faults: put.faults, warnings: [] };
      if (put.result !== 'stored') throw new MailError('not-possible-now', noRoom[put.result]);
      if (activate) await done(account, sieveAsks.activate, name);
      return { isKept: true, faults: [], warnings: put.warnings };
    },
    'script.activate': async ({ account: address, name }) => {
      await done(await named(address), sieveAsks.activate, name);
      return {};
    },
    'script.deactivate': async ({ account: address }) => {
      await done(await named(address), sieveAsks.activate, '');
      return {};
    },
    'script.delete': async ({ account: address, name }) => {
      await done(await named(address), sieveAsks.remove, name);
      return {};
    },
  };
}

function owned({ id, tenant }: Account, name: string): PackedScript {
  return [id, tenant, name];
}
