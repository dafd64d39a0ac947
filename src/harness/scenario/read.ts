/**
 * Reads a scenario from a file: YAML (or JSON), or a TypeScript or JavaScript module whose default export it is.
 *
 * Runs in:   load generator.
 * Limits:    `scenarioBytesMax` of YAML, `aliasCountMax` aliases.
 * Invariant: a fault names the file, the line (of YAML) and the key, and says what to do.
 */

import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { FieldFault, pathText } from '../fields.ts';
import type { RunPlan } from '../run/run-plan.ts';
import { readScenario } from './shape.ts';

const scenarioBytesMax = 1024 * 1024;
const aliasCountMax = 100;

export async function loadScenario(path: string): Promise<RunPlan> {
  const source = { name: basename(path, extname(path)), base: dirname(resolve(path)) };
  if (['.ts', '.mts', '.js', '.mjs'].includes(extname(path))) {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
    return reading(
      path,
      () => undefined,
      () => readScenario(module.default, source),
    );
  }
  if (statSync(path).size > scenarioBytesMax) throw new Error(`${path} is over 1 MiB`);
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, 'utf8'), {
    lineCounter: lines,
    // They would show the lines around the mistake, and a password may stand there.
    prettyErrors: false,
  });
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw new Error(`${path}, line ${lines.linePos(broken.pos[0]).line}: ${broken.message}`);
  }
  const value: unknown = document.toJS({ maxAliasCount: aliasCountMax });
  return reading(
    path,
    (fault) => lines.linePos(offsetOf(document, fault)).line,
    () => readScenario(value, source),
  );
}

function reading(
  file: string,
  lineOf: (fault: FieldFault) => number | undefined,
  read: () => RunPlan,
): RunPlan {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const lines = error.all().map((fault) => {
      const line = lineOf(fault);
      const where = line === undefined ? file : `${file}, line ${line}`;
      return `${where}: ${pathText(fault.path, 'the scenario')} ${fault.message}`;
    });
    throw new Error(lines.join('\n'));
  }
}

/** Where the value at a path stands; of what is not there, what it is missing from. */
function offsetOf(document: Document, { path, isOfKey }: FieldFault): number {
  if (isOfKey) {
    const parent = document.getIn(path.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      : undefined;
    if (isScalar(pair?.key)) return pair.key.range?.[0] ?? 0;
  }
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number] } | undefined;
    if (node?.range !== undefined) return node.range[0];
  }
  return 0;
}
