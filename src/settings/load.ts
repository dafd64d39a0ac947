/**
 * Makes the settings of a start: defaults, then the TOML file, the environment, `--set`; the later wins.
 *
 * Runs in:   main thread, at start and on SIGHUP. The only reader of `process.env`.
 * Invariant: either all settings are right, or every fault found is listed.
 */

import { readFileSync } from 'node:fs';
import { hostname as machineName } from 'node:os';
import { resolve } from 'node:path';
import { adviceFor, SettingsError, type SettingsFault } from './fault.ts';
import { type Entries, fieldsOf, type Section } from './field.ts';
import { isDomainName } from './networks.ts';
import { faultsBetween } from './rules.ts';
import { type Settings, schema } from './schema.ts';
import {
  type GivenValue,
  readAssignments,
  readEnvironment,
  readToml,
  type SourceReading,
} from './sources.ts';

export interface LoadOptions {
  /** The TOML file of `-c`. */
  readonly file?: string | undefined;
  /** Texts of `--set`, as `log.level=debug`. */
  readonly assignments?: readonly string[];
  /** The process's own when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start; the working directory when absent. */
  readonly folder?: string;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly settings: Settings;
      /** Where each value that is no default came from, by dotted path. */
      readonly origins: ReadonlyMap<string, string>;
    }
  | { readonly ok: false; readonly faults: readonly SettingsFault[] };

export function load(options: LoadOptions = {}): Loaded {
  const sources = [
    readFile(options.file),
    readEnvironment(options.environment ?? process.env),
    readAssignments(options.assignments ?? []),
  ];
  const faults = sources.flatMap((source) => source.faults);
  const given = new Map<string, GivenValue>(sources.flatMap((source) => [...source.values]));
  const values = new Map<string, unknown>();
  for (const { path, field } of fieldsOf(schema)) {
    const value = given.get(path);
    if (value === undefined) {
      values.set(path, field.default);
      continue;
    }
    const reading = field.read(value.raw);
    // After a fault the default stands in, so that rules between settings can still be checked.
    values.set(path, reading.ok ? reading.value : field.default);
    if (reading.ok) continue;
    for (const reason of reading.reasons) {
      faults.push({ path, source: value.source, reason, advice: adviceFor(path) });
    }
  }
  const origins = new Map([...given].map(([path, { source }]) => [path, source]));
  const faulty = new Set(faults.map((fault) => fault.path));
  const settings = settle(treeOf(schema, values) as Settings, options.folder ?? process.cwd());
  for (const fault of faultsBetween(settings)) {
    if (fault.paths.some((path) => faulty.has(path))) continue;
    const path = fault.paths.find((each) => origins.has(each)) ?? fault.paths[0]!;
    const { reason, advice } = fault;
    faults.push({ path, source: origins.get(path) ?? 'default', reason, advice });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings, origins };
}

/** @throws SettingsError with all faults. */
export function loadOrThrow(options: LoadOptions = {}): Settings {
  const loaded = load(options);
  if (!loaded.ok) throw new SettingsError(loaded.faults);
  return loaded.settings;
}

function readFile(file: string | undefined): SourceReading {
  if (file === undefined) return { values: new Map(), faults: [] };
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    const advice =
      'Name a readable TOML file with -c; config/chaski.example.toml is one to start from.';
    return { values: new Map(), faults: [{ path: '', source: file, reason, advice }] };
  }
  return readToml(content, file);
}

/** Takes what only the machine knows: absolute paths and its name. */
function settle(settings: Settings, folder: string): Settings {
  const own = machineName().toLowerCase();
  const path = (text: string) => (text === '' ? '' : resolve(folder, text));
  return {
    ...settings,
    hostname: (settings.hostname || (isDomainName(own) ? own : 'localhost')).toLowerCase(),
    data: { ...settings.data, dir: path(settings.data.dir) },
    tls: {
      ...settings.tls,
      cert: path(settings.tls.cert),
      key: path(settings.tls.key),
      certificates: settings.tls.certificates.map(({ name, cert, key }) => ({
        ...{ name, cert: path(cert), key: path(key) },
      })),
    },
    acme: {
      ...settings.acme,
      ca: path(settings.acme.ca),
      bindingKeyFile: path(settings.acme.bindingKeyFile),
    },
    clientCertificate: {
      ...settings.clientCertificate,
      ca: settings.clientCertificate.ca.map(path),
      crl: settings.clientCertificate.crl.map(path),
    },
    relay: { ...settings.relay, passwordFile: path(settings.relay.passwordFile) },
    shaping: { ...settings.shaping, file: path(settings.shaping.file) },
  };
}

function treeOf(
  from: Section<Entries>,
  values: ReadonlyMap<string, unknown>,
  prefix = '',
): unknown {
  const tree: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(from.entries)) {
    const path = prefix + name;
    tree[name] = entry.kind === 'field' ? values.get(path) : treeOf(entry, values, `${path}.`);
  }
  return tree;
}
