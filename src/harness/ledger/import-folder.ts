/**
 * Enters the messages of an exported mailbox as arrivals.
 *
 * Runs in: ledger, crash runs.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerWriter } from './ledger-writer.ts';
import { bodyHash, bodyStart, findMark } from './mark.ts';

export interface Imported {
  readonly arrived: number;
  /** Files without a mark: greetings, bounces and the like. */
  readonly unmarked: number;
  /** Of the arrivals: those of a message that had come before. */
  readonly repeated: number;
}

/** Reads every `.eml` under `folder`; each marked one arrived for `recipient`. */
export function importFolder(folder: string, recipient: string, ledger: LedgerWriter): Imported {
  let arrived = 0;
  let unmarked = 0;
  const ids = new Set<string>();
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((each) => each.endsWith('.eml')).sort()) {
    const path = join(folder, name);
    const message = readFileSync(path);
    const body = bodyStart(message);
    const mark = findMark(message.subarray(0, body));
    if (mark === undefined) {
      unmarked++;
      continue;
    }
    arrived++;
    ids.add(mark.id);
    const sha256 = bodyHash(message.subarray(body));
    const atMs = statSync(path).mtimeMs;
    ledger.append('arrived', { id: mark.id, sha256, to: [recipient], via: 'mailbox', atMs });
  }
  return { arrived, unmarked, repeated: arrived - ids.size };
}
