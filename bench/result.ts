/**
 * Keeps what a bench found: JSON of all rounds and a page of Markdown, named after the bench and the date, with the
 * machine in them and nothing that names it.
 *
 * Runs in: bench.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, stamp } from './machine.ts';

const folder = new URL('./results/', import.meta.url).pathname;

interface ResultOptions {
  /** A look, no figures to quote: only told. */
  readonly quick?: boolean | undefined;
  /** Where the JSON goes instead. */
  readonly json?: string | undefined;
}

/** Prints the page, and writes both unless the run was a look. */
export function keepResult<T extends { readonly machine: Machine }>(
  bench: string,
  found: T,
  markdown: string,
  { quick = false, json }: ResultOptions = {},
): void {
  process.stdout.write(markdown);
  const text = `${JSON.stringify(found)}\n`;
  if (json !== undefined) writeFileSync(json, text);
  if (quick) return;
  mkdirSync(folder, { recursive: true });
  const name = join(folder, `${bench}-${stamp(found.machine)}`);
  if (json === undefined) writeFileSync(`${name}.json`, text);
  writeFileSync(`${name}.md`, markdown);
}
