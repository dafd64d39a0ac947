/**
 * The messages of a folder of .eml files, and the list an export puts beside them.
 *
 * Runs in:   the CLI's process.
 */

import { join } from 'node:path';
import { withCrlf } from '../../mail/formats/line-ends.ts';
import { entriesOf, isEml, readListFile, readMessageFile, reasonOf } from './read-file.ts';
import { fileMessageBytesMax, type SourceItem } from './source-item.ts';

/** A line of JSON a message: what its file cannot say. */
export const listName = 'messages.jsonl';

export interface ListedMessage {
  readonly file: string;
  readonly internalMs: number;
  readonly flags: readonly string[];
}

export function* emlMessages(folder: string): Iterable<SourceItem> {
  const listed = listOf(folder);
  const files = entriesOf(folder).filter((entry) => entry.isFile() && isEml(entry.name));
  const names = files.map(({ name }) => name).sort(byNumber);
  for (const name of names) {
    const place = join(folder, name);
    try {
      const { bytes, modifiedMs } = readMessageFile(place, fileMessageBytesMax);
      const known = listed.get(name);
      const { flags = [], internalMs = modifiedMs } = known ?? {};
      // What an export wrote is as it was; others write .eml with the line ends of their system.
      const text = known === undefined ? withCrlf(bytes) : bytes;
      yield { kind: 'message', place, bytes: text, flags, internalMs };
    } catch (cause) {
      yield { kind: 'fault', place, reason: reasonOf(cause) };
    }
  }
}

function listOf(folder: string): ReadonlyMap<string, ListedMessage> {
  const listed = new Map<string, ListedMessage>();
  for (const line of readListFile(join(folder, listName)).split('\n')) {
    const message = parsed(line);
    if (message !== undefined) listed.set(message.file, message);
  }
  return listed;
}

/** Undefined for a line that is no such thing: the list may be somebody else's. */
function parsed(line: string): ListedMessage | undefined {
  try {
    const { file, internalMs, flags } = JSON.parse(line) as Partial<ListedMessage>;
    if (typeof file !== 'string' || !Number.isSafeInteger(internalMs)) return undefined;
    if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string')) return undefined;
    return { file, internalMs: internalMs!, flags };
  } catch {
    return undefined;
  }
}

/** `9.eml` before `10.eml`. */
function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : a > b ? 1 : 0);
}
