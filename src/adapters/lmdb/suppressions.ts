/**
 * The suppression list in LMDB: `data/suppressions`.
 *
 * Runs in:   the main thread, which writes, and every engine thread, which reads: one environment for all of them.
 * Invariant: a commit is synced before its promise resolves, so a write is durable on return.
 */

import type { TenantId } from '../../base/ids.ts';
import { TenantWords } from '../../base/tenant-words.ts';
import { gibibyte } from '../../base/units.ts';
import type { SuppressionList, SuppressionReader } from '../../ports/suppressions.ts';
import { TableSuppressionReader, TableSuppressions } from '../table/suppressions.ts';
import { openLmdbTable } from './shard-index.ts';

/** Address space; a million entries take about a hundredth of it. */
const mapBytes = 16 * gibibyte;

export function suppressionsFolder(dataFolder: string): string {
  return `${dataFolder}/suppressions`;
}

export function openLmdbSuppressions(
  path: string,
  onTenant?: (tenant: TenantId, hasEntries: boolean) => void,
): SuppressionList {
  const table = openLmdbTable({ path, mapBytes });
  return new TableSuppressions({ table, ...(onTenant === undefined ? {} : { onTenant }) });
}

/**
 * Opened with the first look-up that is needed: a server without entries pays nothing. `words` say which tenants have
 * any.
 */
export function openLmdbSuppressionReader(
  dataFolder: string,
  words: SharedArrayBuffer,
): SuppressionReader {
  const tenants = new TenantWords(words);
  let reader: SuppressionReader | undefined;
  return {
    find(tenant, stream, address, nowMs) {
      if (!tenants.mayHave(tenant)) return undefined;
      const path = suppressionsFolder(dataFolder);
      reader ??= new TableSuppressionReader(openLmdbTable({ path, mapBytes }));
      return reader.find(tenant, stream, address, nowMs);
    },
  };
}
