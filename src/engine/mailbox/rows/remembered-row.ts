/**
 * What an account's scripts remember: whom they answered, and which messages they saw.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5230 §4.2, RFC 7352 §3.
 * Invariant: of each thing remembered there are two rows, by its hash and by when it ends.
 */

import { Buffer } from 'node:buffer';
import { rememberedHashBytes, rememberedKey } from '../../store/keys.ts';
import { packRow, unpackRow } from './packing.ts';

export interface Remembered {
  readonly sinceMs: number;
  readonly untilMs: number;
}

export function encodeRemembered({ sinceMs, untilMs }: Remembered): Uint8Array {
  return packRow([sinceMs, untilMs]);
}

export function decodeRemembered(value: Uint8Array): Remembered {
  const [sinceMs, untilMs] = unpackRow<readonly [number, number]>(value);
  return { sinceMs, untilMs };
}

/** No hash is all zeros. */
export const rememberedCountKey = (account: number) =>
  rememberedKey(account, Buffer.alloc(rememberedHashBytes));

export function decodeRememberedCount(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : unpackRow<readonly [number]>(value)[0];
}

export function encodeRememberedCount(count: number): Uint8Array {
  return packRow([count]);
}
