/**
 * The messages of one Maildir folder, `new` and `cur`, in the order they came.
 *
 * Runs in:   the CLI's process.
 */

import { join } from 'node:path';
import { withCrlf } from '../../mail/formats/line-ends.ts';
import {
  byArrival,
  keywordListName,
  readKeywordList,
  readMaildirName,
} from '../../mail/formats/maildir/file-name.ts';
import { entriesOf, isFolder, readListFile, readMessageFile, reasonOf } from './read-file.ts';
import { fileMessageBytesMax, type SourceItem } from './source-item.ts';

export function* maildirMessages(folder: string): Iterable<SourceItem> {
  const keywords = keywordsOf(folder);
  const names: string[] = [];
  for (const part of ['new', 'cur']) {
    for (const entry of filesOf(join(folder, part))) names.push(`${entry}/${part}`);
  }
  // The name first: it begins with the second the message came in.
  names.sort(byArrival);
  for (const each of names) {
    const slash = each.lastIndexOf('/');
    const name = each.slice(0, slash);
    const place = join(folder, each.slice(slash + 1), name);
    try {
      const { bytes, modifiedMs } = readMessageFile(place, fileMessageBytesMax);
      const { flags, isExact } = readMaildirName(name, keywords, bytes.length);
      const text = isExact ? bytes : withCrlf(bytes);
      yield { kind: 'message', place, bytes: text, flags, internalMs: modifiedMs };
    } catch (cause) {
      yield { kind: 'fault', place, reason: reasonOf(cause) };
    }
  }
}

/** A folder may have just one of the two. */
function filesOf(path: string): string[] {
  if (!isFolder(path)) return [];
  try {
    const files = entriesOf(path).filter((entry) => entry.isFile());
    return files.map(({ name }) => name).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

function keywordsOf(folder: string): readonly string[] {
  return readKeywordList(readListFile(join(folder, keywordListName)));
}
