/**
 * How settings name programs that look at mail: virus scanners, spam filters, milters, hooks.
 *
 * Runs in:   anywhere; pure.
 */

import { kibibyte, mebibyte, minuteMs, secondMs } from '../base/units.ts';
import {
  type Field,
  type FieldWords,
  quote,
  type Reading,
  read,
  tomlText,
  unreadable,
} from './field.ts';
import { type Columns, inlineTable, nameFault, readColumns, rows } from './tables.ts';

const scannerKinds = ['clamd', 'spamd', 'rspamd', 'milter', 'http', 'own', 'attachments'] as const;
export type ScannerKind = (typeof scannerKinds)[number];
/** Those beside the server. */
export type PeerKind = Exclude<ScannerKind, 'own' | 'attachments'>;

const scanStages = ['connect', 'helo', 'mail', 'rcpt', 'data'] as const;
export type ScanStage = (typeof scanStages)[number];

export interface ScannerSetting {
  readonly name: string;
  readonly kind: ScannerKind;
  /** `HOST:PORT`, `[V6]:PORT`, `unix:/PATH`; of `http` a URL; of `own` its model's file, or `rules`; of `attachments` `policy`. */
  readonly address: string;
  /** Whose mail it is shown. */
  readonly when: 'untrusted' | 'all';
  /** Without a verdict, mail is taken, or asked for later. */
  readonly fail: 'open' | 'closed';
  /** What becomes of mail that it would throw away: refused, or taken and dropped. */
  readonly discard: 'refuse' | 'drop';
  /** What becomes of mail in which it finds a virus: refused, or kept apart in its accounts' quarantines. */
  readonly infected: 'refuse' | 'quarantine';
  /** When it is asked; those before `data` without a message. */
  readonly stages: readonly ScanStage[];
  readonly bytesMax: number;
  /** What becomes of a larger message: its beginning is shown, or nothing. */
  readonly oversize: 'head' | 'skip';
  readonly msMax: number;
  readonly connectMsMax: number;
  /** Of each engine thread. */
  readonly connectionsMax: number;
  /** Rspamd's password, the hook's secret: the first line; "": none. */
  readonly secretFile: string;
  /** spamd's `User`; "{recipient}": the only recipient. "": its own choice. */
  readonly user: string;
  /** Of `own`: what is spam. */
  readonly points: number;
}

const defaults = {
  ...{
    when: 'untrusted',
    fail: 'open',
    discard: 'refuse',
    infected: 'refuse',
    bytesMax: 25 * mebibyte,
    oversize: 'head',
  },
  ...{ msMax: 10 * secondMs, connectMsMax: 2 * secondMs, connectionsMax: 8 },
  ...{ secretFile: '', user: '', points: 5, stages: ['data'] as readonly ScanStage[] },
} as const;

export function scannerRows(options: FieldWords): Field<readonly ScannerSetting[]> {
  return rows<ScannerSetting>({
    ...options,
    type: 'list of scanners, in order',
    bounds: 'each with `name`, `kind`, `address`; and what else the text names',
    example:
      '[{ name = "virus", kind = "clamd", address = "unix:/run/clamav/clamd.ctl", fail = "closed" }, { name = "spam", kind = "rspamd", address = "127.0.0.1:11333" }]',
    readRow(raw) {
      const reading = readColumns(raw, columns);
      if (!reading.ok) return reading;
      const fault = rowFault(reading.value);
      return fault === undefined ? reading : unreadable(fault);
    },
    writeRow: ({ name, kind, address, ...row }) =>
      inlineTable({
        ...{ name: tomlText(name), kind: tomlText(kind), address: tomlText(address) },
        ...Object.fromEntries(
          Object.entries(defaults).flatMap(([key, usual]) => {
            const value = row[key as keyof typeof defaults];
            if (value === usual || String(value) === String(usual)) return [];
            return [[key, tomlValue(value)]];
          }),
        ),
      }),
  });
}

function tomlValue(value: string | number | readonly string[]): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? tomlText(value) : `[${value.map(tomlText).join(', ')}]`;
}

const columns: Columns<ScannerSetting> = {
  name(raw) {
    const fault = typeof raw === 'string' ? nameFault(raw) : 'must be text';
    return fault === undefined ? read(raw as string) : unreadable(fault);
  },
  kind: (raw) => readWord(raw, scannerKinds),
  address: (raw) => readText(raw),
  when: (raw = defaults.when) => readWord(raw, ['untrusted', 'all']),
  fail: (raw = defaults.fail) => readWord(raw, ['open', 'closed']),
  discard: (raw = defaults.discard) => readWord(raw, ['refuse', 'drop']),
  infected: (raw = defaults.infected) => readWord(raw, ['refuse', 'quarantine']),
  bytesMax: (raw = defaults.bytesMax) => readNumber(raw, kibibyte, 1_024 * mebibyte),
  oversize: (raw = defaults.oversize) => readWord(raw, ['head', 'skip']),
  msMax: (raw = defaults.msMax) => readNumber(raw, 100, minuteMs),
  connectMsMax: (raw = defaults.connectMsMax) => readNumber(raw, 10, minuteMs),
  connectionsMax: (raw = defaults.connectionsMax) => readNumber(raw, 1, 256),
  secretFile: (raw = defaults.secretFile) => readText(raw),
  user: (raw = defaults.user) => readText(raw),
  points: (raw = defaults.points) => readNumber(raw, 1, 1_000),
  stages: (raw = defaults.stages) => readStages(raw),
};

const shapes: Partial<Record<ScannerKind, string>> = {
  http: '"https://HOST/PATH"',
  own: '"/PATH" of a model or "rules"',
  attachments: '"policy"',
};

function isAddress(kind: ScannerKind, address: string): boolean {
  if (kind === 'own') return address === 'rules' || address.startsWith('/');
  if (kind === 'attachments') return address === 'policy';
  return kind === 'http' ? isHookUrl(address) : scanPlaceOf(address) !== undefined;
}

function rowFault(row: ScannerSetting): string | undefined {
  const { kind, address, secretFile, user, stages, infected } = row;
  if (!isAddress(kind, address)) {
    const shape = shapes[kind] ?? '"HOST:PORT" or "unix:/PATH"';
    return `address: must be as ${shape}, not ${quote(address)}`;
  }
  if (secretFile !== '' && kind !== 'http' && kind !== 'rspamd')
    return `secretFile: ${kind} has no secret`;
  if (kind !== 'http' && kind !== 'milter' && stages.some((stage) => stage !== 'data'))
    return `stages: ${kind} is shown messages, so "data" alone`;
  if (infected !== defaults.infected && kind !== 'clamd' && kind !== 'http')
    return `infected: ${kind} names no viruses`;
  return user === '' || kind === 'spamd' ? undefined : `user: ${kind} knows no users`;
}

export type ScanPlace =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

/** Linux keeps so many bytes for a socket's path. */
const pathBytesMax = 107;

export function scanPlaceOf(text: string): ScanPlace | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    const isPath = path.startsWith('/') && !path.includes('\0');
    return isPath && new TextEncoder().encode(path).length <= pathBytesMax ? { path } : undefined;
  }
  const [, v6, name, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** In clear on this machine alone: mail goes over it. */
function isHookUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.hash !== '') return false;
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere);
}

function readWord<Word extends string>(raw: unknown, words: readonly Word[]): Reading<Word> {
  const found = words.find((word) => word === raw);
  return found === undefined
    ? unreadable(`must be one of ${words.join(', ')}, not ${quote(raw)}`)
    : read(found);
}

/** In the order of the protocol, each once. */
function readStages(raw: unknown): Reading<readonly ScanStage[]> {
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [];
  const known = scanStages.filter((stage) => given.includes(stage));
  return known.length > 0 && known.length === given.length
    ? read(known)
    : unreadable(`must be a list of ${scanStages.join(', ')}, each once, not ${quote(raw)}`);
}

function readNumber(raw: unknown, min: number, max: number): Reading<number> {
  const isGood = Number.isInteger(raw) && (raw as number) >= min && (raw as number) <= max;
  return isGood
    ? read(raw as number)
    : unreadable(`must be a whole number from ${min} to ${max}, not ${quote(raw)}`);
}

function readText(raw: unknown): Reading<string> {
  const isGood = typeof raw === 'string' && !/[\0\r\n]/.test(raw);
  return isGood ? read(raw) : unreadable(`must be text, not ${quote(raw)}`);
}
