/**
 * Reads the dates that messages carry, old and broken forms included.
 *
 * Runs in:   every thread; pure.
 * Specs:     RFC 5322 §3.3 and §4.3 (obsolete years and zones), asctime dates of old mailers.
 * Invariant: never throws; undefined rather than a guess when day, month, year or time cannot be told.
 */

import { monthNames } from './format.ts';

/** RFC 5322 §4.3: the only zone names with a known meaning; military letters mean -0000. */
const zoneMinutes: Readonly<Record<string, number>> = {
  ut: 0,
  gmt: 0,
  utc: 0,
  z: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
};

export interface MessageDate {
  readonly epochMs: number;
  /** Minutes east of UTC, as the author wrote. */
  readonly zoneMinutes: number;
}

const comment = /\([^()]*\)/g;

const weekday = String.raw`(?:[a-z]{2,9}\.?\s*,?\s*)?`;
const month = String.raw`([a-z]{3})[a-z]*\.?`;
const time = String.raw`(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2})(?:[.,]\d+)?)?`;
const zone = String.raw`([+-]\s?\d{1,2}:?\d{2}|[a-z]{1,5})?`;
const common = new RegExp(
  String.raw`^${weekday}(\d{1,2})[\s-]+${month}[\s,-]+(\d{2,4})[\s,]+${time}(?:\s*([ap])m\b)?\s*${zone}`,
  'i',
);
/** `Sun Nov 22 02:09:16 2026`, perhaps with a zone at either place. */
const asctime = new RegExp(
  String.raw`^[a-z]{3}\s+${month}\s+(\d{1,2})\s+${time}\s+(?:([a-z]{1,5})\s+)?(\d{4})(?:\s+([+-]\d{4}))?`,
  'i',
);
/** `Fri, May 09 2017 16:54:30 -0800`, of programs that write months first. */
const monthFirst = new RegExp(
  String.raw`^${weekday}${month}\s+(\d{1,2})\s*,?\s+(\d{4})[\s,]+${time}\s*${zone}`,
  'i',
);
const iso = new RegExp(
  String.raw`^(\d{4})-(\d{2})-(\d{2})[T\s]${time}\s*(z|[+-]\d{2}:?\d{2})?`,
  'i',
);

/** `value` is unfolded. */
export function parseDate(value: string): MessageDate | undefined {
  const text = withoutComments(value).trim();
  let match = common.exec(text);
  if (match !== null) {
    const [, day, month, year, hour, minute, second, half, zone] = match;
    return toDate(
      fullYear(year!),
      monthIndex(month!),
      day!,
      hour24(hour!, half),
      minute!,
      second,
      zone,
    );
  }
  match = asctime.exec(text);
  if (match !== null) {
    const [, month, day, hour, minute, second, name, year, offset] = match;
    return toDate(Number(year), monthIndex(month!), day!, hour!, minute!, second, offset ?? name);
  }
  match = monthFirst.exec(text);
  if (match !== null) {
    const [, month, day, year, hour, minute, second, zone] = match;
    return toDate(Number(year), monthIndex(month!), day!, hour!, minute!, second, zone);
  }
  match = iso.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, zone] = match;
  return toDate(Number(year), Number(month) - 1, day!, hour!, minute!, second, zone);
}

/** Dates are short: a longer text is no date, and is not searched for nested comments. */
const dateLengthMax = 256;

function withoutComments(value: string): string {
  let text = value.slice(0, dateLengthMax);
  for (let depth = 0; depth < 8 && text.includes('('); depth++) text = text.replace(comment, ' ');
  return text;
}

function toDate(
  year: number,
  month: number,
  day: string,
  hour: string,
  minute: string,
  second: string | undefined,
  zone: string | undefined,
): MessageDate | undefined {
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Number(second ?? 0)];
  // RFC 5322 §3.3: a leap second is :60.
  if (month < 0 || month > 11 || d < 1 || h > 24 || m > 59 || s > 60) return undefined;
  const local = new Date(0);
  local.setUTCFullYear(year, month, d);
  if (local.getUTCDate() !== d) return undefined;
  local.setUTCHours(h, m, s);
  const offset = zoneOffset(zone);
  return { epochMs: local.getTime() - offset * 60_000, zoneMinutes: offset };
}

/** RFC 5322 §4.3: two digits up to 49 are 20xx, other short years count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length >= 4) return year;
  return text.length === 2 && year < 50 ? 2000 + year : 1900 + year;
}

/** Twelve hours twice, as some programs still write. */
function hour24(hour: string, half: string | undefined): string {
  if (half === undefined) return hour;
  return String((Number(hour) % 12) + (half.toLowerCase() === 'p' ? 12 : 0));
}

function monthIndex(name: string): number {
  const wanted = name.toLowerCase();
  return monthNames.findIndex((month) => month.toLowerCase() === wanted);
}

function zoneOffset(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const digits = zone.replace(/[\s:]/g, '');
  if (!/^[+-]\d{3,4}$/.test(digits)) return zoneMinutes[zone.toLowerCase()] ?? 0;
  const number = Math.abs(Number(digits));
  const minutes = Math.floor(number / 100) * 60 + (number % 100);
  if (minutes >= 24 * 60) return 0;
  return digits[0] === '-' ? -minutes : minutes;
}
