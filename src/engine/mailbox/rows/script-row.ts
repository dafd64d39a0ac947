/**
 * Sieve scripts of an account: texts by name, in rows that stay small, and the name of the active one.
 *
 * Runs in:   engine threads; pure.
 * Limits:    a text is cut into parts of `partBytes`, at most 256.
 * Invariant: parts of a script are one range, in order; an empty script has one empty part.
 */

import { Buffer } from 'node:buffer';
import { scriptKey } from '../../store/keys.ts';
import type { Row } from './annotation-row.ts';

/** Below half a page of the index. */
const partBytes = 1_800;

export interface StoredScript {
  readonly name: string;
  readonly text: Buffer;
}

export function scriptRows(account: number, name: string, text: Uint8Array): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at === 0 || at < text.byteLength; at += partBytes) {
    const key = scriptKey(account, name, at / partBytes);
    rows.push({ key, value: text.subarray(at, at + partBytes) });
  }
  return rows;
}

export const activeScriptKey = (account: number) => scriptKey(account, '', 0);

/** From all rows of an account, in order of key. */
export function scriptsOf(rows: Iterable<Row>): {
  readonly scripts: readonly StoredScript[];
  /** "": none. */
  readonly active: string;
} {
  const found: { name: string; parts: Uint8Array[] }[] = [];
  let active = '';
  for (const { key, value } of rows) {
    const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
    const name = bytes.toString('utf8', 5, bytes.length - 2);
    const last = found.at(-1);
    if (name === '') active = Buffer.from(value).toString('utf8');
    else if (last?.name === name) last.parts.push(value);
    else found.push({ name, parts: [value] });
  }
  return {
    scripts: found.map(({ name, parts }) => ({ name, text: Buffer.concat(parts) })),
    active,
  };
}
