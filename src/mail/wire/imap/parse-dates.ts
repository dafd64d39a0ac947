/**
 * Reads dates of SEARCH and date-times of APPEND.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §9 (date, date-time).
 * Invariant: a day that no month has, an hour that no day has, is a fault and not the next one.
 */

import { dayMs } from '../../../base/units.ts';
import { monthNames } from '../../formats/date/format.ts';
import { type Cursor, fail } from './cursor.ts';
import { colon, digit0, isDigit, minus, plus, quote, space } from './octets.ts';
import { takeOctet } from './parse-strings.ts';

/** Days since 1970-01-01, of a calendar without zones: `1-Feb-1994`, quoted or not. */
export function parseDate(cursor: Cursor): number | undefined {
  const from = cursor.at;
  const isQuoted = takeOctet(cursor, quote);
  const day = takeDigits(cursor, 1, 2);
  const days = takeMonthAndYear(cursor, day);
  if (days === undefined || (isQuoted && !takeOctet(cursor, quote))) {
    cursor.at = from;
    return fail(cursor, 'A date is not as 1-Feb-1994');
  }
  return days;
}

/** Epoch milliseconds of `" 1-Feb-1994 12:34:56 +0100"`. */
export function parseDateTime(cursor: Cursor): number | undefined {
  const from = cursor.at;
  const instant = takeDateTime(cursor);
  if (instant !== undefined) return instant;
  cursor.at = from;
  return fail(cursor, 'A date-time is not as " 1-Feb-1994 12:34:56 +0000"');
}

function takeDateTime(cursor: Cursor): number | undefined {
  if (!takeOctet(cursor, quote)) return undefined;
  // RFC 9051 §9: two octets, the first a space or a digit; some clients send one.
  takeOctet(cursor, space);
  const days = takeMonthAndYear(cursor, takeDigits(cursor, 1, 2));
  if (days === undefined || !takeOctet(cursor, space)) return undefined;
  const hour = takeDigits(cursor, 2, 2);
  const minute = takeOctet(cursor, colon) ? takeDigits(cursor, 2, 2) : -1;
  const second = takeOctet(cursor, colon) ? takeDigits(cursor, 2, 2) : -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return undefined;
  // RFC 5322 §3.3: a leap second is :60.
  if (second < 0 || second > 60 || !takeOctet(cursor, space)) return undefined;
  const isWest = cursor.peek() === minus;
  if (!takeOctet(cursor, isWest ? minus : plus)) return undefined;
  const zoneHours = takeDigits(cursor, 2, 2);
  const zoneMinutes = takeDigits(cursor, 2, 2);
  if (zoneHours < 0 || zoneHours > 23 || zoneMinutes < 0 || zoneMinutes > 59) return undefined;
  if (!takeOctet(cursor, quote)) return undefined;
  const east = (zoneHours * 60 + zoneMinutes) * (isWest ? -1 : 1);
  return days * dayMs + ((hour * 60 + minute - east) * 60 + second) * 1_000;
}

/** `-Feb-1994` behind the day. */
function takeMonthAndYear(cursor: Cursor, day: number): number | undefined {
  if (!takeOctet(cursor, minus)) return undefined;
  const month = takeMonth(cursor);
  if (month < 0 || !takeOctet(cursor, minus)) return undefined;
  const year = takeDigits(cursor, 4, 4);
  if (year < 0 || day < 1) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getUTCDate() === day ? date.getTime() / dayMs : undefined;
}

function takeMonth(cursor: Cursor): number {
  if (cursor.end - cursor.at < 3) return -1;
  const name = cursor.bytes.toString('latin1', cursor.at, cursor.at + 3).toLowerCase();
  cursor.at += 3;
  return monthNames.findIndex((month) => month.toLowerCase() === name);
}

/** Up to `most` digits; -1 where fewer than `least` stand. */
function takeDigits(cursor: Cursor, least: number, most: number): number {
  const { bytes } = cursor;
  const end = Math.min(cursor.end, cursor.at + most);
  let i = cursor.at;
  let value = 0;
  for (; i < end && isDigit(bytes[i]!); i++) value = value * 10 + bytes[i]! - digit0;
  if (i - cursor.at < least) return -1;
  cursor.at = i;
  return value;
}
