/**
 * Reads a file of addresses to suppress: one a line, or CSV whose first line names its columns.
 *
 * Runs in:   the CLI's process.
 * Specs:     RFC 4180 (fields in quotes, quotes doubled), without line breaks inside a field.
 * Limits:    `lineLengthMax`; `entriesPerChunk` lines at a time are in memory.
 */

import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { SuppressionInput } from '../actors/asks/suppression-control.ts';
import { MailError } from '../base/errors.ts';
import { suppressionNoteLengthMax, suppressionReasons } from '../ports/suppressions.ts';

const entriesPerChunk = 1_000;
const lineLengthMax = 4_096;

export interface LineChunk {
  readonly entries: readonly SuppressionInput[];
  /** The line of each entry, from 1. */
  readonly lines: readonly number[];
  /** Lines that could not be read, in words. */
  readonly faults: readonly string[];
  readonly lastLine: number;
}

export interface LineTerms {
  /** For what the line does not say itself. */
  readonly terms: Omit<SuppressionInput, 'address'>;
  readonly fromLine: number;
}

const columns = ['address', 'stream', 'reason', 'until', 'since', 'note'] as const;
type Column = (typeof columns)[number];

/** @throws MailError `not-found` */
export async function* importLines(
  file: string,
  input: () => Promise<Uint8Array>,
  { terms, fromLine }: LineTerms,
): AsyncGenerator<LineChunk> {
  const lines = file === '-' ? createInterface(Readable.from([await input()])) : await opened(file);
  let order: readonly (Column | undefined)[] = ['address'];
  let chunk = new Chunk();
  let number = 0;
  for await (const line of lines) {
    number++;
    const head = number === 1 ? headOf(line) : undefined;
    order = head ?? order;
    if (head !== undefined || number < fromLine) continue;
    chunk.read(line.trim(), number, order, terms);
    if (chunk.size < entriesPerChunk) continue;
    yield chunk.taken(number);
    chunk = new Chunk();
  }
  if (number > 0) yield chunk.taken(number);
}

async function opened(file: string): Promise<AsyncIterable<string>> {
  try {
    return (await open(file)).readLines();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new MailError('not-found', `${file}: ${code ?? message}`);
  }
}

class Chunk {
  readonly #entries: SuppressionInput[] = [];
  readonly #lines: number[] = [];
  readonly #faults: string[] = [];

  get size(): number {
    return this.#entries.length + this.#faults.length;
  }

  read(
    line: string,
    number: number,
    order: readonly (Column | undefined)[],
    terms: Omit<SuppressionInput, 'address'>,
  ): void {
    if (line === '' || line.startsWith('#')) return;
    const fields = line.length > lineLengthMax ? undefined : fieldsOf(line);
    const entry = fields === undefined ? undefined : entryOf(fields, order, terms);
    if (entry === undefined) {
      this.#faults.push(`line ${number}: ${line.slice(0, 80)}`);
      return;
    }
    this.#entries.push(entry);
    this.#lines.push(number);
  }

  taken(lastLine: number): LineChunk {
    return { entries: this.#entries, lines: this.#lines, faults: this.#faults, lastLine };
  }
}

/** Undefined where the first line is an entry already. */
function headOf(line: string): readonly (Column | undefined)[] | undefined {
  const names = fieldsOf(line.replace(/^\ufeff/, '').trim())?.map((name) =>
    name.toLowerCase().trim(),
  );
  if (names === undefined || names.some((name) => name.includes('@'))) return undefined;
  const order = names.map((name) => {
    if (name === 'email' || name === 'recipient') return 'address';
    return columns.find((column) => column === name);
  });
  return order.includes('address') ? order : undefined;
}

/** Undefined where a quote does not end. */
function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (line[at] === '"') {
      at++;
      for (;;) {
        const end = line.indexOf('"', at);
        if (end < 0) return undefined;
        field += line.slice(at, end);
        at = end + 1;
        if (line[at] !== '"') break;
        field += '"';
        at++;
      }
    }
    const comma = line.indexOf(',', at);
    field += line.slice(at, comma < 0 ? line.length : comma);
    fields.push(field.trim());
    if (comma < 0) return fields;
    at = comma + 1;
  }
}

function entryOf(
  fields: readonly string[],
  order: readonly (Column | undefined)[],
  terms: Omit<SuppressionInput, 'address'>,
): SuppressionInput | undefined {
  const given: Partial<Record<Column, string>> = {};
  for (const [place, column] of order.entries()) {
    const field = fields[place] ?? '';
    if (column !== undefined && field !== '') given[column] = field;
  }
  const { address, stream, reason, until, since, note } = given;
  if (address === undefined || !isKnownReason(reason)) return undefined;
  const untilMs = until === undefined ? terms.untilMs : Date.parse(until);
  const sinceMs = since === undefined ? terms.sinceMs : Date.parse(since);
  if (Number.isNaN(untilMs) || Number.isNaN(sinceMs)) return undefined;
  return {
    ...terms,
    address,
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(note === undefined ? {} : { note: note.slice(0, suppressionNoteLengthMax) }),
  };
}

function isKnownReason(reason: string | undefined): boolean {
  return reason === undefined || suppressionReasons.some((known) => known === reason);
}
