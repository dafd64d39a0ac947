/**
 * The shaping rules of a server: those that ship with it, and the operator's own file over them.
 *
 * Runs in:   main thread, at start and on SIGHUP; `chaski shaping check` in the CLI's process.
 * Invariant: either all rules are right, or every fault found is told.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ShapingError, type ShapingFault } from './fault.ts';
import { mergedShaping } from './merge.ts';
import { readShaping, type ShapingFile } from './read.ts';
import { noShaping, type Provider, type ShapingRules } from './rules.ts';

/** In the installation. */
const shippedShapingFile = fileURLToPath(new URL('../../../config/shaping.toml', import.meta.url));

export interface ShapingSources {
  /** Whether the rules that ship are used. */
  readonly usesShipped: boolean;
  /** "" for none. */
  readonly file: string;
}

/** @throws ShapingError with all faults. */
export function loadShaping({ usesShipped, file }: ShapingSources): ShapingRules {
  let rules = noShaping;
  const faults: ShapingFault[] = [];
  // The shipped file is a file like any other: its name is short in what is told of it.
  const files = usesShipped ? [[shippedShapingFile, 'shipped']] : [];
  if (file !== '') files.push([file, file]);
  for (const [path, name] of files as [string, string][]) {
    const read = readFile(path, name, rules.providers);
    faults.push(...read.faults);
    rules = mergedShaping(rules, read);
  }
  if (faults.length > 0) throw new ShapingError(faults);
  return rules;
}

function readFile(path: string, name: string, known: readonly Provider[]): ShapingFile {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    const advice = 'Name a readable file by shaping.file, or leave it "".';
    const faults = [{ file: path, line: 0, path: '', reason, advice }];
    return { ...noShaping, off: [], faults };
  }
  return readShaping(content, name, known);
}
