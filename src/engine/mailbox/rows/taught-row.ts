/**
 * That an account taught what is spam, whose it is, and when it did so last: whoever goes through all that taught reads
 * these alone.
 *
 * Runs in: engine threads; pure.
 */

import { packRow, unpackRow } from './packing.ts';

export interface TaughtRow {
  readonly tenant: number;
  readonly atMs: number;
}

export function encodeTaught({ tenant, atMs }: TaughtRow): Uint8Array {
  return packRow([tenant, atMs]);
}

export function decodeTaught(value: Uint8Array): TaughtRow {
  const [tenant, atMs] = unpackRow<readonly [number, number]>(value);
  return { tenant, atMs };
}
