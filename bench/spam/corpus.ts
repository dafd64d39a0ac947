/**
 * The SpamAssassin corpus as files, in the order the messages were received.
 *
 * Runs in: bench.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusMessage {
  readonly path: string;
  readonly bytes: Buffer;
  readonly receivedMs: number;
  readonly isSpam: boolean;
}

const folders = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];
const received = /^Received:(?:.*(?:\r?\n[ \t].*)*?);\s*((?:.|\r?\n[ \t])*?)$/im;

/** Without those whose topmost Received has no date: `folder` is the package's `data`. */
export function readCorpus(folder: string): readonly CorpusMessage[] {
  const messages: CorpusMessage[] = [];
  for (const name of folders) {
    for (const file of readdirSync(join(folder, name)).filter((each) => each.endsWith('.txt'))) {
      const path = join(folder, name, file);
      const bytes = readFileSync(path);
      const head = bytes.toString('latin1').split(/\r?\n\r?\n/, 1)[0]!;
      const receivedMs = Date.parse((received.exec(head)?.[1] ?? '').replace(/\(.*\)/, ''));
      if (!Number.isFinite(receivedMs)) continue;
      messages.push({ path, bytes, receivedMs, isSpam: name.startsWith('spam') });
    }
  }
  return messages.sort((a, b) => a.receivedMs - b.receivedMs || (a.path < b.path ? -1 : 1));
}
