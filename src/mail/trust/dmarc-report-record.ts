/**
 * Where a DMARC record has reports sent, and whether the place wants them.
 *
 * Runs in:   anywhere; pure but for the DNS it is given.
 * Specs:     RFC 9989 §4.7 (`rua`), §4.8 (URIs; the size after `!` is obsolete, and still kept to), RFC 9990 §3.5, §4
 *            (places outside the domain's authority).
 * Limits:    `destinationsMax` URIs of a record are used, `uriCharsMax` of each.
 */

import { gibibyte, kibibyte, mebibyte } from '../../base/units.ts';
import type { Dns } from '../../ports/dns.ts';
import { organizationalDomain } from './quick/dmarc.ts';
import { isDmarcRecord } from './quick/dmarc-record.ts';

export interface DmarcDestination {
  readonly address: string;
  /** Of the mail; infinite where nothing was said. */
  readonly bytesMax: number;
}

/** `wait`: the DNS does not say now. */
export type DmarcPlaces = 'wait' | readonly DmarcDestination[];

export const destinationsMax = 5;
const uriCharsMax = 1_000;
const nameCharsMax = 253;
const units = { '': 1, k: kibibyte, m: mebibyte, g: gibibyte, t: 1_024 * gibibyte } as const;
const addressPattern =
  /^[!#-'*+/-9=?A-Z^-~-]+(?:\.[!#-'*+/-9=?A-Z^-~-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i;

/** Those of a policy's record that want its reports. None: nobody asks for them, or nobody who may. */
export async function dmarcDestinations(
  domain: string,
  dns: Pick<Dns, 'txt'>,
): Promise<DmarcPlaces> {
  const answer = await dns.txt(`_dmarc.${domain}`);
  if (!answer.ok) return answer.reason === 'failed' ? 'wait' : [];
  const records = answer.records.filter(isDmarcRecord);
  // RFC 9989 §4.10 step 2: several are none.
  if (records.length !== 1) return [];
  const found: DmarcDestination[] = [];
  for (const place of ruaOf(records[0]!)) {
    const wanted = await wantedAt(domain, place, dns);
    if (wanted === 'wait') return 'wait';
    if (wanted !== undefined) found.push(wanted);
  }
  return found;
}

/** Of a record that is one. */
export function ruaOf(record: string): readonly DmarcDestination[] {
  const uris = tagOf(record, 'rua')?.split(',') ?? [];
  return uris.slice(0, destinationsMax).flatMap((uri) => destinationOf(uri.trim()) ?? []);
}

/** RFC 9990 §4. */
async function wantedAt(
  domain: string,
  place: DmarcDestination,
  dns: Pick<Dns, 'txt'>,
): Promise<DmarcDestination | 'wait' | undefined> {
  const host = hostOf(place.address);
  if (host === domain) return place;
  const [own, other] = [
    await organizationalDomain(domain, dns),
    await organizationalDomain(host, dns),
  ];
  if (own === undefined || other === undefined) return 'wait';
  if (own === other) return place;
  const name = `${domain}._report._dmarc.${host}`;
  if (name.length > nameCharsMax) return undefined;
  const answer = await dns.txt(name);
  if (!answer.ok) return answer.reason === 'failed' ? 'wait' : undefined;
  const records = answer.records.filter(isDmarcRecord);
  if (records.length === 0) return undefined;
  const said = records.map((record) => tagOf(record, 'rua')).find((rua) => rua !== undefined);
  if (said === undefined) return place;
  // RFC 9990 §4 step 9: another place of the same host, or none at all.
  const [instead] = ruaOf(`v=DMARC1; rua=${said}`);
  return instead !== undefined && hostOf(instead.address) === host ? instead : undefined;
}

function destinationOf(uri: string): DmarcDestination | undefined {
  if (uri.length > uriCharsMax) return undefined;
  const [, given = '', digits, unit = ''] =
    /^mailto:([^?!]+)(?:\?[^!]*)?(?:!(\d{1,12})([kmgt]?))?$/i.exec(uri) ?? [];
  try {
    const address = decodeURIComponent(given);
    if (!addressPattern.test(address) || address.length > 254) return undefined;
    const size = units[unit.toLowerCase() as keyof typeof units];
    return {
      address,
      bytesMax: digits === undefined ? Number.POSITIVE_INFINITY : Number(digits) * size,
    };
  } catch {
    return undefined;
  }
}

function tagOf(record: string, name: string): string | undefined {
  for (const spec of record.split(';').slice(1)) {
    const equals = spec.indexOf('=');
    if (equals > 0 && spec.slice(0, equals).trim() === name) return spec.slice(equals + 1).trim();
  }
  return undefined;
}

function hostOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase();
}
