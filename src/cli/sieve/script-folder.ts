/** Scripts that others include, from a folder of files. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileScript, scriptFaults } from '../../mail/sieve/compile/compile.ts';
import type { Include, Program } from '../../mail/sieve/compile/program.ts';
import { placeOf } from '../../mail/sieve/fault.ts';
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

function sourceOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
