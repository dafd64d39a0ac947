/** What a script learns of the world when it is tried out: what the command line says. */

import { scanHeaders } from '../../mail/formats/headers/scan.ts';
import { addressesIn, addressText } from '../../mail/sieve/message/address-parts.ts';
import { parseZone } from '../../mail/sieve/message/dates.ts';
import { HeaderList } from '../../mail/sieve/message/header-list.ts';
import { plainHost, type SieveHost, type SieveLists } from '../../mail/sieve/run/host.ts';
import { UsageError } from '../command.ts';

export interface TestWorld {
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** By comma. */
  readonly mailboxes: string | undefined;
  /** ISO 8601. */
  readonly now: string | undefined;
  readonly nowMs: number;
  readonly spamPercent: number | undefined;
  readonly lists: SieveLists;
}

/** @throws UsageError */
export function testHost(message: Uint8Array, world: TestWorld): SieveHost {
  const headers = new HeaderList(scanHeaders(message));
  const first = (...names: string[]) =>
    names.flatMap((name) => headers.raw(name).flatMap(addressesIn)).map(addressText)[0] ?? '';
  const from = world.from ?? first('return-path', 'from');
  const to = world.to ?? first('delivered-to', 'to');
  const mailboxes = new Set((world.mailboxes ?? 'INBOX').split(',').map((name) => name.trim()));
  const plain = plainHost({ from, to }, nowOf(world));
  return {
    ...plain,
    zoneMinutes: zoneOf(world.now),
    mailboxes: { ...plain.mailboxes, exists: (name) => mailboxes.has(name) },
    lists: world.lists,
    verdict: world.spamPercent === undefined ? {} : { spamPercent: world.spamPercent },
  };
}

function nowOf({ now, nowMs }: TestWorld): number {
  if (now === undefined) return nowMs;
  const parsed = Date.parse(now);
  if (Number.isNaN(parsed)) {
    throw new UsageError(`--now wants a time as 2026-11-23T09:00:00Z, not "${now}"`);
  }
  return parsed;
}

/** Minutes east of UTC. */
function zoneOf(now: string | undefined): number {
  const zone = /([+-]\d{2}):?(\d{2})$/.exec(now?.includes('T') ? now : '');
  return zone === null ? 0 : (parseZone(`${zone[1]}${zone[2]}`) ?? 0);
}
