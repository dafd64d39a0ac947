/** `chaski audit …`: who did what, and whether the log of it is whole. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bulkLines } from '../../adapters/audit/bulk.ts';
import { cefOf } from '../../adapters/audit/cef.ts';
import { entryOf, lineOf } from '../../adapters/audit/chain.ts';
import {
  type AuditFinding,
  type AuditVerdict,
  verifyAuditFolder,
} from '../../adapters/files/audit-verify.ts';
import { nodeDisk } from '../../adapters/files/disk.ts';
import type { AuditEntry } from '../../ports/audit-log.ts';
import { DiskError } from '../../ports/disk.ts';
import {
  type Command,
  type CommandCall,
  exitCodes,
  type OptionValues,
  UsageError,
} from '../command.ts';
import type { Control } from '../control-client.ts';
import { count } from '../output.ts';

const listMax = 100_000;
const listDefault = 100;
const pageMax = 1_000;
const headsBytesMax = 1_073_741_824;
const formats = ['jsonl', 'cef', 'elasticsearch'] as const;

const rangeOptions = {
  after: {
    type: 'string',
    value: 'TIME',
    doc: 'Entries from this instant on, as 2026-01-31T12:00:00Z.',
  },
  until: { type: 'string', value: 'TIME', doc: 'Entries before this instant.' },
  tenant: { type: 'string', value: 'NAME', doc: "Only this tenant's." },
} as const;

interface Range {
  readonly tenant?: string;
  readonly afterMs?: number;
  readonly untilMs?: number;
}

function rangeOf(options: OptionValues): Range {
  const tenant = options.text('tenant');
  const [afterMs, untilMs] = [instantOf(options, 'after'), instantOf(options, 'until')];
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

function instantOf(options: OptionValues, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(`--${name} is an instant as 2026-01-31T12:00:00Z, not "${text}"`);
}

interface FoundEntry {
  readonly log: string;
  readonly entry: AuditEntry;
}

/** Page after page: nobody holds more than one. `cut`: there are more than `limit`. */
async function* entriesOf(
  control: Control,
  range: Range,
  limit: number,
  cut: () => void = () => {},
): AsyncIterable<FoundEntry> {
  let afterSequence = 0;
  for (let left = limit; left > 0; ) {
    const asked = { ...range, afterSequence, limit: Math.min(left, pageMax) };
    const { log, entries, hasMore, lastSequence } = await control.call('audit.list', asked);
    for (const fields of entries) {
      const entry = entryOf(fields);
      if (entry !== undefined) yield { log, entry };
    }
    if (!hasMore) return;
    afterSequence = lastSequence;
    left -= entries.length;
  }
  cut();
}

const list: Command = {
  name: 'audit list',
  summary: 'Show who did what: acts of operators and programs, log-ins, refusals.',
  options: {
    ...rangeOptions,
    limit: {
      type: 'string',
      value: 'N',
      doc: `At most N entries (${listDefault}; up to ${listMax}).`,
    },
  },
  examples: ['audit list --after 2026-01-31T00:00:00Z', 'audit list --tenant acme --json'],
  notes: 'Oldest first. With --json each line is an entry.',
  async run({ options, output, control }) {
    const limit = options.number('limit', 1, listMax) ?? listDefault;
    const range = rangeOf(options);
    const cut = () =>
      output.say('There are more: ask for them with --limit, or from a later --after.');
    for await (const { entry } of entriesOf(await control(), range, limit, cut)) {
      output.result(JSON.parse(lineOf(entry)) as object, () => textOf(entry));
    }
    return undefined;
  },
};

function textOf(entry: AuditEntry): string {
  const { sequence, atMs, principal, act, outcome, resource, peer, reason, details } = entry;
  const words = [String(sequence), new Date(atMs).toISOString(), principal, act];
  if (resource !== '') words.push(`[${resource}]`);
  words.push(outcome);
  if (reason !== '') words.push(`(${reason})`);
  if (peer !== '') words.push(`from ${peer}`);
  for (const [name, value] of Object.entries(details)) words.push(`${name}=${value}`);
  return words.join(' ');
}

const exporting: Command = {
  name: 'audit export',
  summary: 'Write entries for other programs, a line or two each, to standard output.',
  options: {
    ...rangeOptions,
    format: {
      type: 'string',
      value: 'FORMAT',
      doc: `One of ${formats.join(', ')}; jsonl when left out.`,
    },
    index: {
      type: 'string',
      value: 'NAME',
      doc: 'Index of the format elasticsearch (chaski-audit).',
    },
  },
  examples: [
    'audit export --after 2026-01-01 --until 2026-02-01 > january.jsonl',
    'audit export --format elasticsearch --tenant acme',
  ],
  notes: 'jsonl: entries as they are kept, with their hashes; elasticsearch: a body of _bulk.',
  async run({ options, output, control }) {
    const format = options.text('format') ?? 'jsonl';
    if (!(formats as readonly string[]).includes(format)) {
      throw new UsageError(`--format is one of ${formats.join(', ')}, not "${format}"`);
    }
    const asked = await control();
    const { version } = asked.isServer ? await asked.call('server.status', {}) : { version: '' };
    const index = options.text('index') ?? 'chaski-audit';
    for await (const { log, entry } of entriesOf(asked, rangeOf(options), Infinity)) {
      const line = lineOf(entry);
      const fields = JSON.parse(line) as object;
      if (format === 'cef') output.result(cefOf(entry, version), (text) => text);
      else if (format === 'jsonl') output.result(fields, () => line);
      else output.result(fields, () => bulkLines(log, index, entry).trim().split('\n'));
    }
    return undefined;
  },
};

const verify: Command = {
  name: 'audit verify',
  summary: 'Check that no entry of the audit log was changed, moved, or taken away.',
  arguments: '[FOLDER]',
  argumentCount: [0, 1],
  options: {
    heads: {
      type: 'string',
      value: 'FILE',
      doc: 'Signed heads that were kept elsewhere: what audit.heads.file or audit.heads.url got.',
    },
  },
  examples: ['audit verify --json', 'audit verify /copies/audit --heads /mnt/heads.jsonl'],
  notes:
    "FOLDER is a copy of the folder audit in the data folder; that itself when left out. No server is needed. Exit code 1: something is not as it was written. Without --heads the folder's own heads are believed: who had the folder and its key could have made all of it again.",
  async run({ arguments: [given], options, output, settings }) {
    const folder = given === undefined ? join(settings().data.dir, 'audit') : resolve(given);
    if (!existsSync(folder)) {
      output.fault('not-found', `there is no folder ${folder}`);
      return exitCodes.failed;
    }
    const outside = headLines(options);
    const request = { disk: nodeDisk, folder, ...(outside === undefined ? {} : { outside }) };
    const verdict = await verified(request, output);
    if (verdict === undefined) return exitCodes.failed;
    output.result({ folder, ...verdict }, linesOf);
    return verdict.isSound ? exitCodes.done : exitCodes.failed;
  },
};

async function verified(
  request: Parameters<typeof verifyAuditFolder>[0],
  output: CommandCall['output'],
): Promise<AuditVerdict | undefined> {
  try {
    return await verifyAuditFolder(request);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    output.fault('not-readable', error.message);
    return undefined;
  }
}

function headLines(options: OptionValues): readonly string[] | undefined {
  const file = options.text('heads');
  if (file === undefined) return undefined;
  try {
    const { size } = statSync(file);
    if (size > headsBytesMax) throw new Error(`it has more than ${headsBytesMax} bytes`);
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function linesOf(verdict: AuditVerdict & { readonly folder: string }): readonly string[] {
  const { entryCount, segmentCount, firstSequence, lastSequence, findings, keys } = verdict;
  const entries = `${count(entryCount, 'entry', 'entries')} (${firstSequence} to ${lastSequence})`;
  const heads = `${count(verdict.headCount, 'signed head')} to entry ${verdict.sealedTo}`;
  return [
    `${verdict.folder}: ${entries} in ${count(segmentCount, 'file')}, vouched for by ${heads}.`,
    `Keys: ${keys.join(', ') || 'none'}`,
    ...(verdict.tornBytes > 0
      ? [`The last ${verdict.tornBytes} bytes are of a write that was not ended.`]
      : []),
    ...findings.map(findingText),
    verdict.isSound
      ? 'All sound.'
      : `${count(verdict.findingCount, 'finding')}; first bad entry: ${verdict.firstBad ?? 'none'}.`,
  ];
}

function findingText({ kind, segment, line, detail }: AuditFinding): string {
  const place = segment === undefined ? '' : ` ${segment}:${line}`;
  return `${kind}${place}: ${detail}`;
}

export const auditCommands: readonly Command[] = [list, exporting, verify];
