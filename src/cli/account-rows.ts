/**
 * Reads accounts from CSV: a line of column names, then a line for each account.
 *
 * Runs in:   the CLI's process.
 * Specs:     RFC 4180; a byte order mark and line ends of any kind are taken.
 * Limits:    rows of one chunk of the file are in memory at a time; a row has `rowBytesMax`.
 */

import { createReadStream } from 'node:fs';
import { CsvError, type Parser, parse } from 'csv-parse';
import { joined, splitAddress } from '../adapters/table/addresses.ts';
import { MailError } from '../base/errors.ts';
import { isKnownHash } from '../mail/trust/password.ts';
import { parseBytes } from '../settings/fields.ts';

const rowBytesMax = 65_536;

export const accountColumns = [
  'address',
  'enabled',
  'quota',
  'quota_messages',
  'send_as',
  'password_hash',
] as const;
export type AccountColumn = (typeof accountColumns)[number];

/** What a row says; what it leaves empty is left as it is. */
export interface AccountRow {
  readonly line: number;
  readonly address: string;
  readonly isEnabled?: boolean;
  readonly quotaBytes?: number;
  readonly quotaMessages?: number;
  readonly sendAs?: readonly string[];
  readonly hash?: string;
}

export interface RowFault {
  readonly line: number;
  /** Absent: the line as a whole. */
  readonly column?: string;
  readonly reason: string;
}

/** @throws MailError `not-found` for the file, `argument-invalid` for its first line. */
export async function* accountRows(
  file: string,
  input: () => Promise<Uint8Array>,
): AsyncGenerator<AccountRow | RowFault> {
  const chunks = file === '-' ? [await input()] : createReadStream(file);
  const read: (AccountRow | RowFault)[] = [];
  let columns: readonly AccountColumn[] | undefined;
  const parser = parse({
    ...{ bom: true, trim: true, skip_empty_lines: true, relax_column_count: true },
    max_record_size: rowBytesMax,
    on_record(record: string[], { lines }) {
      if (columns === undefined) columns = columnsOf(record);
      else read.push(rowOf(record, columns, lines));
      // Taken here: what the parser kept would be lost with it at a fault further on.
      return null;
    },
  });
  parser.once('error', () => {});
  parser.resume();
  try {
    for await (const chunk of chunks) {
      const fault = await fed(parser, chunk);
      yield* read.splice(0);
      if (fault !== undefined) yield* syntaxFault(fault);
      if (fault !== undefined) return;
    }
  } catch (error) {
    throw fileFault(file, error);
  }
  const fault = await fed(parser, undefined);
  yield* read.splice(0);
  if (fault !== undefined) yield* syntaxFault(fault);
  else if (columns === undefined) throw new MailError('argument-invalid', `${file}: it is empty`);
}

/** What is wrong up to here; undefined ends the input. */
function fed(parser: Parser, chunk: Uint8Array | undefined): Promise<Error | undefined> {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const told = (error?: Error | null) => resolve(error ?? undefined);
  if (chunk === undefined) parser.end(told);
  else parser.write(chunk, told);
  return promise;
}

/** Where a quote does not end, nobody knows where the next row begins: the reading ends there. */
function* syntaxFault(fault: Error): Generator<RowFault> {
  if (!(fault instanceof CsvError)) throw fault;
  yield { line: Number(fault.lines ?? 0), reason: fault.message };
}

function fileFault(file: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === undefined ? error : new MailError('not-found', `${file}: ${code}`);
}

function columnsOf(names: readonly string[]): readonly AccountColumn[] {
  const known: readonly string[] = accountColumns;
  const unknown = names.find((name) => !known.includes(name));
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  const has = `columns are ${accountColumns.join(', ')}`;
  if (unknown !== undefined) throw new MailError('argument-invalid', `"${unknown}": ${has}`);
  if (twice !== undefined) throw new MailError('argument-invalid', `"${twice}" stands twice`);
  if (!names.includes('address')) throw new MailError('argument-invalid', `no "address": ${has}`);
  return names as readonly AccountColumn[];
}

type Reading = Partial<Omit<AccountRow, 'line'>> | string;

/** What a field means, or what is wrong with it. */
const readers: Readonly<Record<AccountColumn, (field: string) => Reading>> = {
  address(field) {
    const name = splitAddress(field);
    return name === undefined ? 'no address' : { address: joined(name) };
  },
  enabled(field) {
    if (field === 'yes' || field === 'no') return { isEnabled: field === 'yes' };
    return '"yes" or "no"';
  },
  quota(field) {
    const quotaBytes = parseBytes(field);
    const isSize = quotaBytes !== undefined && Number.isSafeInteger(quotaBytes);
    return isSize ? { quotaBytes } : 'a size as 500MiB or 5GB, 0 for no limit';
  },
  quota_messages(field) {
    return /^\d{1,9}$/.test(field) ? { quotaMessages: Number(field) } : 'a number, 0 for no limit';
  },
  send_as(field) {
    const names = field.split(/\s+/).map(splitAddress);
    const isGood = names.every((name) => name !== undefined);
    return isGood ? { sendAs: [...new Set(names.map(joined))] } : 'addresses, with spaces between';
  },
  password_hash(field) {
    return isKnownHash(field) ? { hash: field } : 'a hash of no kind that is known here';
  },
};

function rowOf(
  record: readonly string[],
  columns: readonly AccountColumn[],
  line: number,
): AccountRow | RowFault {
  if (record.length > columns.length) return { line, reason: 'more fields than columns' };
  let row: Omit<AccountRow, 'address'> & { address?: string } = { line };
  for (const [place, column] of columns.entries()) {
    const field = record[place] ?? '';
    if (field === '' && column !== 'address') continue;
    const reading = readers[column](field);
    // The field itself may be a secret that slipped into another column.
    if (typeof reading === 'string') return { line, column, reason: reading };
    row = { ...row, ...reading };
  }
  return row as AccountRow;
}
