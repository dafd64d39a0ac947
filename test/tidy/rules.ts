/**
 * The house rules as functions from a file to its faults. `tidy.test.ts` runs them on the project and on samples
 * that must fail.
 */

import { posix } from 'node:path';
import {
  bannedCalls,
  bannedCallsAllowedIn,
  emptyNames,
  environmentReadIn,
  fileLinesMax,
  functionLinesMax,
  layers,
  lineColumnsMax,
  longFiles,
} from './layers.ts';

export interface SourceFile {
  /** From the project's top, with slashes. */
  readonly path: string;
  readonly text: string;
}

export type Rule = (file: SourceFile) => string[];

/** First-level folder of a path as the layer table names it. */
export function layerOf(path: string): string | undefined {
  if (path === 'src/main.ts') return 'main';
  if (path.startsWith('workers/')) return 'workers';
  const match = /^src\/([^/]+)\//.exec(path);
  return match?.[1];
}

const importPattern = /(?:\bfrom\s+|\bimport\s*\(?\s*)['"](\.[^'"]+)['"]/g;

export function importsOf(file: SourceFile): string[] {
  const found: string[] = [];
  for (const match of file.text.matchAll(importPattern)) {
    found.push(posix.normalize(posix.join(posix.dirname(file.path), match[1]!)));
  }
  return found;
}

export const importsGoDown: Rule = (file) => {
  const layer = layerOf(file.path);
  if (layer === undefined) return [];
  const allowed = layers[layer];
  if (allowed === undefined) return [`${file.path}: folder ${layer} is not in the import table`];
  return importsOf(file)
    .map((target) => [target, layerOf(target)] as const)
    .filter(([, to]) => to !== layer && (to === undefined || !allowed.includes(to)))
    .map(([target]) => `${file.path}: ${layer} may not import ${target}`);
};

/** `test/contracts/<port>.<adapter>.test.ts` */
function isContractRun(path: string): boolean {
  return /^test\/contracts\/[a-z-]+\.[a-z-]+\.test\.ts$/.test(path);
}

export const hasHead: Rule = (file) => {
  // An adapter's run of a contract is ten lines under the contract's own head.
  if (isContractRun(file.path)) return [];
  const start = file.text.startsWith('#!') ? file.text.indexOf('\n') + 1 : 0;
  return file.text.startsWith('/**', start)
    ? []
    : [`${file.path}: no head comment says what it owns`];
};

export const isShort: Rule = (file) => {
  const lines = file.text.split('\n').length;
  return lines > fileLinesMax && longFiles[file.path] === undefined
    ? [`${file.path}: ${lines} lines, over ${fileLinesMax}`]
    : [];
};

/** A suite is one function of many cases. */
function isSuite(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/contracts/');
}

const functionPattern = /^(?:export )?(?:async )?function\*? (\w+)/;
const methodPattern = /^ {2}(?:(?:static|async|get|set) )*\*?(#?\w+)(?:<.*>)?\((?:.*\{)?$/;

/** Functions of a file and methods of its classes, by the indentation the formatter gives them. */
export const hasShortFunctions: Rule = (file) => {
  if (isSuite(file.path)) return [];
  const lines = withoutComments(file.text).split('\n');
  const faults: string[] = [];
  let isInClass = false;
  for (const [start, line] of lines.entries()) {
    if (/^(?:export )?(?:abstract )?class /.test(line)) isInClass = true;
    else if (line === '}') isInClass = false;
    const match = (isInClass ? methodPattern : functionPattern).exec(line);
    if (match === null) continue;
    const end = lines.indexOf(isInClass ? '  }' : '}', start);
    const count = lines.slice(start, end + 1).filter((each) => each.trim() !== '').length;
    if (count <= functionLinesMax) continue;
    faults.push(`${file.path}: ${match[1]} has ${count} lines, over ${functionLinesMax}`);
  }
  return faults;
};

export const hasShortLines: Rule = (file) =>
  file.text
    .split('\n')
    .map((line, index) => [line, index + 1] as const)
    .filter(([line]) => line.length > lineColumnsMax && !/https?:|['"`]/.test(line))
    .map(
      ([line, number]) => `${file.path}:${number}: ${line.length} columns, over ${lineColumnsMax}`,
    );

export const callsPorts: Rule = (file) => {
  if (!file.path.startsWith('src/') && !file.path.startsWith('workers/')) return [];
  if (bannedCallsAllowedIn.some((prefix) => file.path.startsWith(prefix))) return [];
  return bannedCalls
    .filter(({ pattern }) => pattern.test(withoutComments(file.text)))
    .map(
      ({ pattern, instead }) => `${file.path}: ${pattern.source} is banned here, use ${instead}`,
    );
};

export const readsEnvironmentInSettings: Rule = (file) =>
  /^(src|workers)\//.test(file.path) &&
  !environmentReadIn.some((prefix) => file.path.startsWith(prefix)) &&
  /\bprocess\.env\b/.test(withoutComments(file.text))
    ? [`${file.path}: only ${environmentReadIn.join(', ')} reads process.env`]
    : [];

export const isWellNamed: Rule = (file) => {
  // Commands are named by their wire name.
  if (isContractRun(file.path) || file.path.includes('/commands/')) return [];
  const name = posix.basename(file.path).replace(/(\.test)?\.ts$/, '');
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return [`${file.path}: not kebab-case`];
  return emptyNames.includes(name) ? [`${file.path}: "${name}" says nothing`] : [];
};

export const hasNoLooseEnds: Rule = (file) =>
  [...withoutStrings(file.text).matchAll(/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/g)].map(
    (match) => `${file.path}: ${match[1]} without an issue number`,
  );

/** An entry of a worker thread stays small: duty, trust and limits in its head, the rest elsewhere. */
export const keepsWorkersSmall: Rule = (file) => {
  if (!file.path.startsWith('workers/')) return [];
  const lines = file.text.trimEnd().split('\n').length;
  return lines > 60 ? [`${file.path}: ${lines} lines, over 60`] : [];
};

export const fileRules = {
  importsGoDown,
  hasHead,
  isShort,
  hasShortFunctions,
  hasShortLines,
  callsPorts,
  readsEnvironmentInSettings,
  isWellNamed,
  hasNoLooseEnds,
  keepsWorkersSmall,
} as const satisfies Record<string, Rule>;

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function withoutStrings(text: string): string {
  return text.replace(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, '');
}

/** Files of `src` and `workers` that nothing imports and that are no entry of their own. */
export function deadFiles(files: readonly SourceFile[], entries: readonly string[]): string[] {
  const imported = new Set(files.flatMap(importsOf));
  for (const file of files) {
    for (const match of withoutComments(file.text).matchAll(/['"]([^'"\s]+\.ts)['"]/g)) {
      imported.add(posix.normalize(posix.join(posix.dirname(file.path), match[1]!)));
      imported.add(match[1]!);
    }
  }
  return files
    .map((file) => file.path)
    .filter((path) => /^(src|workers)\//.test(path))
    .filter((path) => !entries.includes(path) && !imported.has(path))
    .map((path) => `${path}: nothing imports it`);
}

export interface RfcRow {
  readonly rfc: string;
  readonly section: string;
  readonly state: string;
  readonly test: string;
  readonly note: string;
}

export function readRfcTable(text: string): RfcRow[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [rfc = '', section = '', state = '', test = '', note = ''] = line.split('\t');
      return { rfc, section, state, test, note };
    });
}

/** Each row names a test that exists and mentions the RFC, or says why there is none. */
export function rfcFaults(
  rows: readonly RfcRow[],
  readTest: (path: string) => string | undefined,
): string[] {
  return rows.flatMap((row) => {
    const where = `docs/rfc.tsv: RFC ${row.rfc} ${row.section}`;
    if (!/^\d{3,5}$/.test(row.rfc)) return [`${where}: no RFC number`];
    if (!['yes', 'partial', 'no'].includes(row.state)) return [`${where}: state "${row.state}"`];
    if (row.state === 'no') return row.note === '' ? [`${where}: "no" without a reason`] : [];
    const text = readTest(row.test);
    if (text === undefined) return [`${where}: names no test that exists (${row.test})`];
    return text.includes(row.rfc) ? [] : [`${where}: ${row.test} does not mention the RFC`];
  });
}
