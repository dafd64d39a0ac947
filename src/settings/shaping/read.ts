/**
 * Makes shaping rules of a TOML text, or says all that is wrong with it.
 *
 * Runs in:   anywhere; pure.
 * Limits:    `shapingBounds`.
 * Invariant: no pattern of an operator's is ever run as a program: hosts and domains are compared whole or by their
 *            end, phrases are looked for as they stand.
 */

import { parse, TomlError } from 'smol-toml';
import { minuteMs } from '../../base/units.ts';
import { responseClasses } from '../../mail/wire/smtp/response-class.ts';
import type { ShapingFault } from './fault.ts';
import { linesOf } from './lines.ts';
import {
  type LimitRule,
  type Limits,
  type Match,
  type MatchField,
  matchFields,
  type Provider,
  type ResponseRule,
  shapingBounds,
} from './rules.ts';
import { type FileBeingRead, TableReader } from './table-reader.ts';

/** What one file says; `off` names response rules of files before it that it does not want. */
export interface ShapingFile {
  readonly providers: readonly Provider[];
  readonly limits: readonly LimitRule[];
  readonly responses: readonly ResponseRule[];
  readonly off: readonly string[];
  readonly faults: readonly ShapingFault[];
}

type Table = Readonly<Record<string, unknown>>;

const bounds = shapingBounds;
const withinMsDefault = 60 * minuteMs;
const advices = {
  root: 'A file has [providers.NAME], [[limits]] and [[responses]].',
  limit:
    'Give one of connectionsMax, providerConnectionsMax, messagesPerConnection, messageRate, connectionRate.',
  response:
    'Give one of suspend, suspendTenant, suspendCampaign, slowBy, switchSource, class, treat.',
  when: 'Give codes, enhanced or phrases.',
} as const;

/** `known`: providers of files before this one. */
export function readShaping(
  content: string,
  file: string,
  known: readonly Provider[] = [],
): ShapingFile {
  const faults: ShapingFault[] = [];
  const whole = (reason: string, advice: string, line = 0) =>
    faults.push({ file, line, path: '', reason, advice });
  const empty = { providers: [], limits: [], responses: [], off: [], faults };
  if (Buffer.byteLength(content) > bounds.fileBytesMax) {
    whole(`is larger than ${bounds.fileBytesMax} bytes`, 'Leave out rules that say the same.');
    return empty;
  }
  let root: Table;
  try {
    root = parse(content);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    whole(reason, 'Mend the TOML there; nothing after it was read.', error.line);
    return empty;
  }
  const from: FileBeingRead = { file, lines: linesOf(content), faults };
  const { providers = {}, limits = [], responses = [], ...others } = root;
  for (const name of Object.keys(others)) {
    const line = from.lines.of(name) || from.lines.of('', name);
    faults.push({ file, line, path: name, reason: 'is not known', advice: advices.root });
  }
  const read: Reading = {
    from,
    providers: new Set(known.map(({ name }) => name)),
    names: new Set(),
    off: [],
  };
  const made = providersOf(from, providers);
  for (const { name } of made) read.providers.add(name);
  const isTooMuch =
    made.length > bounds.providersMax ||
    [limits, responses].some((each) => Array.isArray(each) && each.length > bounds.rulesMax);
  if (isTooMuch) {
    const most = `${bounds.providersMax} providers and ${bounds.rulesMax} rules of a kind`;
    whole(`has more than ${most}`, 'Match several values by one rule: provider = ["a", "b"].');
    return empty;
  }
  return {
    providers: made,
    limits: tablesOf(from, 'limits', limits).flatMap((table) => limitOf(read, table)),
    responses: tablesOf(from, 'responses', responses).flatMap((table) => responseOf(read, table)),
    off: read.off,
    faults,
  };
}

interface Reading {
  readonly from: FileBeingRead;
  readonly providers: Set<string>;
  /** Of response rules so far. */
  readonly names: Set<string>;
  readonly off: string[];
}

function providersOf(from: FileBeingRead, raw: unknown): Provider[] {
  if (!isTable(raw)) {
    wrongKind(from, 'providers', '[providers.google]');
    return [];
  }
  return Object.entries(raw).flatMap(([name, table]) => {
    const path = `providers.${name}`;
    if (!isTable(table)) {
      wrongKind(from, path, `[providers.${name}]`);
      return [];
    }
    const reader = new TableReader(from, path, table);
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
      reader.fault('', 'is no name of a provider', 'Use up to 40 of a-z, 0-9 and "-".');
    }
    const mx = reader.names('mx');
    if (!reader.has('mx')) reader.fault('', 'names no hosts', 'mx = [".mx.example.net"]');
    reader.end();
    return mx === undefined ? [] : [{ name, mx }];
  });
}

function tablesOf(from: FileBeingRead, name: string, raw: unknown): TableReader[] {
  if (!Array.isArray(raw) || !raw.every(isTable)) {
    wrongKind(from, name, `[[${name}]]`);
    return [];
  }
  return raw.map((table, at) => new TableReader(from, `${name}[${at}]`, table));
}

function wrongKind({ file, lines, faults }: FileBeingRead, path: string, head: string): void {
  const line = lines.of(path) || lines.of('', path);
  const advice = `Write ${head} and the keys below it.`;
  faults.push({ file, line, path, reason: 'is not a table', advice });
}

function matchOf({ providers }: Reading, reader: TableReader): Match {
  const match: Partial<Record<MatchField, readonly string[]>> = {};
  for (const field of matchFields) {
    const values = field === 'domain' ? reader.names(field) : reader.texts(field);
    if (values !== undefined) match[field] = values;
  }
  const unknown = match.provider?.find((name) => !providers.has(name));
  if (unknown !== undefined) {
    const advice = `Known: ${[...providers].join(', ')}. Or add [providers.${unknown}].`;
    reader.fault('provider', `"${unknown}" is no provider`, advice);
  }
  return match;
}

function limitOf(reading: Reading, reader: TableReader): LimitRule[] {
  const match = matchOf(reading, reader);
  const limits: Limits = present({
    connectionsMax: reader.number('connectionsMax', 1, bounds.connectionsMax),
    providerConnectionsMax: reader.number('providerConnectionsMax', 1, bounds.connectionsMax),
    messagesPerConnection: reader.number(
      'messagesPerConnection',
      1,
      bounds.messagesPerConnectionMax,
    ),
    messageRate: reader.rate('messageRate'),
    connectionRate: reader.rate('connectionRate'),
  });
  reader.end();
  const given = ['connectionsMax', 'providerConnectionsMax', 'messagesPerConnection'] as const;
  const isEmpty = ![...given, 'messageRate', 'connectionRate'].some((key) => reader.has(key));
  if (isEmpty && reader.isRight) reader.fault('', 'limits nothing', advices.limit);
  if (match.tenant !== undefined || match.campaign !== undefined) {
    const shared = [...given, 'connectionRate'].find((key) => reader.has(key));
    if (shared !== undefined) {
      const advice = 'A connection carries the mail of many: give messageRate, or match a source.';
      reader.fault(shared, 'cannot be of one tenant or campaign', advice);
    }
  }
  if (limits.providerConnectionsMax !== undefined && match.provider === undefined) {
    const advice = 'Add provider = "…", or give connectionsMax.';
    reader.fault('providerConnectionsMax', 'is of no provider', advice);
  }
  return [{ name: reader.place, match, limits }];
}

function responseOf(reading: Reading, reader: TableReader): ResponseRule[] {
  const name = reader.text('name') ?? '';
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
    reader.fault('name', 'is missing, or no name', 'Use up to 40 of a-z, 0-9 and "-".');
  } else if (reading.names.has(name)) {
    reader.fault(
      'name',
      'stands twice',
      'Give each rule a name of its own: it stands in for one of its name.',
    );
  }
  reading.names.add(name);
  if (reader.flag('off')) {
    reader.end();
    reading.off.push(name);
    return [];
  }
  const match = matchOf(reading, reader);
  const phrases = reader.texts('phrases')?.map((phrase) => phrase.toLowerCase()) ?? [];
  const badPhrase = phrases.find(
    ({ length }) => length < bounds.phraseCharsMin || length > bounds.phraseCharsMax,
  );
  if (badPhrase !== undefined) {
    const span = `${bounds.phraseCharsMin} to ${bounds.phraseCharsMax}`;
    reader.fault(
      'phrases',
      `"${badPhrase}" has not ${span} characters`,
      'Give words of the reply.',
    );
  }
  const enhanced = reader.texts('enhanced') ?? [];
  if (!enhanced.every((code) => /^[45]\.\d{1,3}\.\d{1,3}$/.test(code))) {
    reader.fault('enhanced', 'is no enhanced code', 'enhanced = "4.7.0"');
  }
  const codes = reader.numbers('codes', 400, 599) ?? [];
  const hits = reader.number('hits', 1, bounds.hitsMax) ?? 1;
  const withinMs = reader.span('within', bounds.withinMsMax) ?? withinMsDefault;
  const actions = actionsOf(reader);
  reader.end();
  const fitsAll = phrases.length + enhanced.length + codes.length === 0;
  if (fitsAll && reader.isRight) reader.fault('', 'fits every reply', advices.when);
  const doesNothing = Object.keys(actions).length === 0;
  if (doesNothing && reader.isRight) reader.fault('', 'does nothing', advices.response);
  const when = { codes, enhanced, phrases, hits, withinMs };
  return [{ name, at: reader.place, match, ...when, ...actions }];
}

function actionsOf(reader: TableReader) {
  const slowBy = reader.number('slowBy', 2, bounds.slowByMax);
  const slowMs = reader.span('slowFor');
  if (reader.has('slowBy') !== reader.has('slowFor')) {
    reader.fault('slowBy', 'goes with slowFor', 'slowBy = 4 and slowFor = "30m"');
  }
  return present({
    suspendMs: reader.span('suspend'),
    suspendTenantMs: reader.span('suspendTenant'),
    suspendCampaignMs: reader.span('suspendCampaign'),
    slowBy,
    slowMs,
    switchSourceMs: reader.span('switchSource'),
    class: reader.choice('class', responseClasses),
    treat: reader.choice('treat', ['transient', 'permanent']),
  });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}

function isTable(raw: unknown): raw is Table {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}
