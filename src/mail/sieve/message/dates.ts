/**
 * Parts of dates.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5260 §4 (date parts, zones).
 */

import { monthNames } from '../../formats/date/format.ts';

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

export const datePartNames: readonly string[] = [
  'year',
  'month',
  'day',
  'date',
  'julian',
  'hour',
  'minute',
  'second',
  'time',
  'iso8601',
  'std11',
  'zone',
  'weekday',
];

/** `+0200` as minutes east of UTC; undefined: no zone. */
export function parseZone(text: string): number | undefined {
  const match = /^([+-])(\d{2})([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return minutes > 24 * 60 ? undefined : match[1] === '-' ? -minutes : minutes;
}

/** Days of the modified Julian calendar at the start of 1970. */
const julianOfEpoch = 40_587;
const dayMs = 86_400_000;

/** `zoneMinutes` east of UTC; undefined: no such part. */
export function datePart(epochMs: number, zoneMinutes: number, part: string): string | undefined {
  // The fields of UTC at a time that reads as the local one does.
  const localMs = epochMs + zoneMinutes * 60_000;
  const local = new Date(localMs);
  if (Number.isNaN(local.getTime())) return undefined;
  const date = `${padded(local.getUTCFullYear(), 4)}-${two(local.getUTCMonth() + 1)}-${two(local.getUTCDate())}`;
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`;
  switch (part.toLowerCase()) {
    case 'year':
      return padded(local.getUTCFullYear(), 4);
    case 'month':
      return two(local.getUTCMonth() + 1);
    case 'day':
      return two(local.getUTCDate());
    case 'date':
      return date;
    case 'julian':
      return String(Math.floor(localMs / dayMs) + julianOfEpoch);
    case 'hour':
      return two(local.getUTCHours());
    case 'minute':
      return two(local.getUTCMinutes());
    case 'second':
      return two(local.getUTCSeconds());
    case 'time':
      return time;
    case 'iso8601':
      return `${date}T${time}${zone(zoneMinutes, ':')}`;
    case 'std11':
      return (
        `${weekdays[local.getUTCDay()]}, ${two(local.getUTCDate())} ` +
        `${monthNames[local.getUTCMonth()]} ${padded(local.getUTCFullYear(), 4)} ${time} ${zone(zoneMinutes, '')}`
      );
    case 'zone':
      return zone(zoneMinutes, '');
    case 'weekday':
      return String(local.getUTCDay());
    default:
      return undefined;
  }
}

function zone(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  const sign = minutes < 0 ? '-' : '+';
  return `${sign}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
}

function two(value: number): string {
  return padded(value, 2);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
