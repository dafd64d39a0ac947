/**
 * The SPF suite of RFC 7208, the ARC validation suite and the corpus of Mail::DKIM, as cases with their zones.
 *
 * Runs in: tests.
 */

import { canonical, fixtureJson, fixtureText } from '../mail-fixtures.ts';
import { type Zone, ZoneDns, type ZoneRecord } from '../zone-dns.ts';

interface SpfScenario {
  readonly description: string;
  readonly tests: Readonly<
    Record<string, { helo: string; host: string; mailfrom: string; result: string | string[] }>
  >;
  readonly zonedata: Readonly<Record<string, readonly (ZoneRecord | string)[]>>;
}

/** RFC 7208 §3.1 did away with type SPF: the suite's SPF records are TXT records where a name has none of its own. */
function spfZone(zonedata: SpfScenario['zonedata']): Zone {
  return Object.fromEntries(
    Object.entries(zonedata).map(([name, records]) => {
      const isKnown = records.some((record) => typeof record === 'object' && 'TXT' in record);
      const own = records.map((record) =>
        typeof record === 'object' && 'SPF' in record && !isKnown ? { TXT: record.SPF } : record,
      );
      return [name, own as ZoneRecord[]];
    }),
  );
}

export function* spfCases() {
  for (const { tests, zonedata } of fixtureJson<readonly SpfScenario[]>('spf/rfc7208.json')) {
    const dns = new ZoneDns(spfZone(zonedata));
    for (const [name, { helo, host, mailfrom, result }] of Object.entries(tests)) {
      const client = { sender: mailfrom, helo, peerAddress: host };
      yield { name, client, dns, results: [result].flat() };
    }
  }
}

interface ArcScenario {
  readonly tests: Readonly<Record<string, { readonly message: string; readonly cv: string }>>;
  readonly 'txt-records': Readonly<Record<string, string>>;
}

export function* arcCases() {
  for (const scenario of fixtureJson<readonly ArcScenario[]>('arc/validation.json')) {
    const records = Object.entries(scenario['txt-records']);
    const dns = new ZoneDns(Object.fromEntries(records.map(([name, TXT]) => [name, [{ TXT }]])));
    for (const [name, { message, cv }] of Object.entries(scenario.tests)) {
      // The suite leaves the verdict out where a seal itself says fail; RFC 8617 §5.2 step 2 gives it.
      const result = cv === '' ? 'fail' : cv.toLowerCase();
      yield { name, message: canonical(Buffer.from(message, 'utf8')), dns, result };
    }
  }
}

export function dkimCorpusDns(): ZoneDns {
  const zone: Record<string, ZoneRecord[]> = {};
  for (const line of fixtureText('dkim/FAKE_DNS.dat').split('\n')) {
    const match = /^(\S+?)\.?\s+(.*)$/.exec(line);
    if (match === null || line.startsWith('#')) continue;
    const [, name, text] = match;
    if (text === 'NXDOMAIN') continue;
    zone[name!.toLowerCase()] = text!.startsWith('~~')
      ? ['TIMEOUT']
      : [{ TXT: text === '""' ? '' : text }];
  }
  return new ZoneDns(zone);
}
