/**
 * Where settings come from: a TOML file, the environment, `--set`. Each gives raw values by dotted path, and faults.
 *
 * Runs in:   main thread, at start and on SIGHUP; pure.
 */

import { parse, TomlError } from 'smol-toml';
import { adviceFor, nearest, type SettingsFault } from './fault.ts';
import { type Entries, fieldsOf, type Raw, type Section } from './field.ts';
import { schema } from './schema.ts';

export interface GivenValue {
  readonly raw: Raw;
  readonly source: string;
}

export interface SourceReading {
  readonly values: ReadonlyMap<string, GivenValue>;
  readonly faults: readonly SettingsFault[];
}

const paths: ReadonlySet<string> = new Set([...fieldsOf(schema)].map(({ path }) => path));
const sectionPaths: ReadonlySet<string> = new Set(
  [...paths]
    .filter((path) => path.includes('.'))
    .map((path) => path.slice(0, path.lastIndexOf('.'))),
);
const environmentPrefix = 'CHASKI_';
const dataShortName = 'CHASKI_DATA';

/** `data.diskFreeBytesMin` → `CHASKI_DATA__DISK_FREE_BYTES_MIN`. */
export function environmentName(path: string): string {
  const parts = path.split('.').map((part) => part.replaceAll(/[A-Z]/g, '_$&').toUpperCase());
  return environmentPrefix + parts.join('__');
}

const pathByEnvironmentName: ReadonlyMap<string, string> = new Map(
  [...paths].map((path) => [environmentName(path), path]),
);

export function readToml(content: string, file: string): SourceReading {
  const values = new Map<string, GivenValue>();
  const faults: SettingsFault[] = [];
  let table: Record<string, unknown>;
  try {
    table = parse(content);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    const source = `${file}:${error.line}:${error.column}`;
    return {
      values,
      faults: [
        { path: '', source, reason, advice: 'Mend the TOML there; nothing after it was read.' },
      ],
    };
  }
  readTable(table, schema, '', file, values, faults);
  return { values, faults };
}

function readTable(
  table: Record<string, unknown>,
  from: Section<Entries>,
  prefix: string,
  source: string,
  values: Map<string, GivenValue>,
  faults: SettingsFault[],
): void {
  for (const [name, raw] of Object.entries(table)) {
    const path = prefix + name;
    const entry = Object.hasOwn(from.entries, name) ? from.entries[name] : undefined;
    if (entry === undefined) {
      faults.push(unknownName(path, source));
    } else if (entry.kind === 'field') {
      values.set(path, { raw, source });
    } else if (isTable(raw)) {
      readTable(raw, entry, `${path}.`, source, values, faults);
    } else {
      const names = Object.keys(entry.entries).slice(0, 3).join(', ');
      const advice = `Write [${path}] and below it its settings: ${names}, ...`;
      faults.push({ path, source, reason: 'is a table of settings, not a value', advice });
    }
  }
}

export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): SourceReading {
  const values = new Map<string, GivenValue>();
  const faults: SettingsFault[] = [];
  for (const [name, raw] of Object.entries(environment)) {
    if (raw === undefined || !name.startsWith(environmentPrefix) || name === dataShortName)
      continue;
    const path = pathByEnvironmentName.get(name);
    if (path !== undefined) {
      values.set(path, { raw, source: name });
      continue;
    }
    const close = nearest(name, [...pathByEnvironmentName.keys(), dataShortName]);
    const advice = close === undefined ? adviceFor('') : `Did you mean ${close}?`;
    faults.push({ path: '', source: name, reason: 'names no setting', advice });
  }
  readShortName(environment, values, faults);
  return { values, faults };
}

/** `CHASKI_DATA` is short for `CHASKI_DATA__DIR`. */
function readShortName(
  environment: Readonly<Record<string, string | undefined>>,
  values: Map<string, GivenValue>,
  faults: SettingsFault[],
): void {
  const short = environment[dataShortName];
  if (short === undefined) return;
  const path = 'data.dir';
  const long = values.get(path);
  if (long === undefined) {
    values.set(path, { raw: short, source: dataShortName });
  } else if (long.raw !== short) {
    const source = `${dataShortName}, ${long.source}`;
    const reason = `both are set and differ: "${short}", "${long.raw}"`;
    faults.push({
      path,
      source,
      reason,
      advice: `Unset one of them; ${dataShortName} is short for the other.`,
    });
  }
}

export function readAssignments(assignments: readonly string[]): SourceReading {
  const values = new Map<string, GivenValue>();
  const faults: SettingsFault[] = [];
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    const path = (at < 0 ? assignment : assignment.slice(0, at)).trim();
    if (at < 0) {
      const advice = `Write --set ${path === '' ? 'name' : path}=value.`;
      faults.push({ path, source: '--set', reason: 'has no "="', advice });
    } else if (paths.has(path)) {
      values.set(path, { raw: assignment.slice(at + 1), source: '--set' });
    } else {
      faults.push(unknownName(path, '--set'));
    }
  }
  return { values, faults };
}

function unknownName(path: string, source: string): SettingsFault {
  const close = nearest(path, [...paths, ...sectionPaths]) ?? nearestByLeaf(path);
  const advice = close === undefined ? adviceFor(path) : `Did you mean ${close}?`;
  return { path, source, reason: 'there is no such setting', advice };
}

/** A right name in a wrong section, as `smtp.networks` for `relay.networks`. */
function nearestByLeaf(path: string): string | undefined {
  const leaf = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return [...paths].find((each) => each.slice(each.lastIndexOf('.') + 1).toLowerCase() === leaf);
}

function isTable(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}
