/**
 * Where a scanner of the settings is, and what it is shown to prove who asks.
 *
 * Runs in:   engine threads, edge (main thread).
 */

import { readFileSync } from 'node:fs';
import { assert } from '../../base/assert.ts';
import { type ScannerSetting, type ScanPlace, scanPlaceOf } from '../../settings/scanners.ts';

export function placeOf({ address }: ScannerSetting): ScanPlace {
  const place = scanPlaceOf(address);
  assert(place !== undefined, 'settings let no such address through');
  return place;
}

/** @throws Error where it cannot be read. */
export function secretOf({ secretFile }: ScannerSetting): string {
  if (secretFile === '') return '';
  return readFileSync(secretFile, 'utf8').split(/\r?\n/)[0]!.trim();
}
