/** Scripts that others include, and lists of addresses, from a folder of files. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileScript, scriptFaults } from '../../mail/sieve/compile/compile.ts';
import type { Include, Program } from '../../mail/sieve/compile/program.ts';
import { placeOf } from '../../mail/sieve/fault.ts';
import {
  type AddressList,
  isInList,
  parseAddressList,
  parseListName,
} from '../../mail/sieve/message/address-list.ts';
import type { SieveLists } from '../../mail/sieve/run/host.ts';
import { UsageError } from '../command.ts';

export class ScriptFolder {
  readonly #folder: string | undefined;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** @throws UsageError where there is no folder, or the included script has faults. */
  find({ location, name }: Include): Program | undefined {
    if (this.#folder === undefined) {
      throw new UsageError(`the script includes "${name}": --scripts DIR says where it is`);
    }
    // The name is of a script, never a path.
    if (/[/\\\0]/.test(name) || name.startsWith('.')) return undefined;
    const folder = location === 'global' ? join(this.#folder, 'global') : this.#folder;
    const file = join(folder, `${name}.sieve`);
    const source = sourceOf(file);
    if (source === undefined) return undefined;
    const [fault] = scriptFaults(source);
    if (fault === undefined) return compileScript(source);
    const { line, column } = placeOf(source, fault.at);
    throw new UsageError(`${file}:${line}:${column}: ${fault.message}`);
  }
}

/** NAME.list there is the account's own, in `global` the server's. */
export function listFolder(folder: string | undefined): SieveLists {
  const find = (list: string): AddressList | undefined => {
    const found = parseListName(list);
    if (found === undefined) return undefined;
    if (folder === undefined) {
      throw new UsageError(`the script compares with "${list}": --scripts DIR says where it is`);
    }
    const text = sourceOf(join(folder, found.isOwn ? '' : 'global', `${found.name}.list`));
    return text === undefined ? undefined : parseAddressList(text);
  };
  return {
    isKnown: (list) => find(list) !== undefined,
    contains: (list, value) => isInList(find(list) ?? new Set(), value),
    members: (list) => [...(find(list) ?? [])],
  };
}

function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
