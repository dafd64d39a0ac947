/**
 * Dates: date, currentdate.
 *
 * Specs:     RFC 5260 §4 and §5.
 */

import { parseDate } from '../../formats/date/parse.ts';
import type { Arguments } from '../compile/arguments.ts';
import { type Extension, indexTags, type TagSpec } from '../compile/spec.ts';
import { datePart, datePartNames, parseZone } from '../message/dates.ts';
import type { Machine } from '../run/machine.ts';
import { checkIndex } from './core.ts';
import { fieldValues } from './header-values.ts';

const zoneTag: TagSpec = { name: 'zone', value: 'string', group: 'zone' };

function checkDate(args: Arguments): void {
  const zone = args.constant(':zone');
  if (zone !== undefined && parseZone(zone) === undefined) {
    throw args.fault(':zone', `${JSON.stringify(zone)} is no zone: "+0100" is one`);
  }
  const part = args.constant('date part');
  if (part !== undefined && !datePartNames.includes(part.toLowerCase())) {
    throw args.fault('date part', `${JSON.stringify(part)} is no part of a date`);
  }
}

/** Minutes east of UTC; `original` is that of the date itself. */
function zoneOf(machine: Machine, args: Arguments, original: number): number {
  if (args.has(':originalzone')) return original;
  const text = machine.optionalText(args, ':zone');
  if (text === undefined) return machine.host.zoneMinutes;
  const minutes = parseZone(text);
  if (minutes === undefined) throw args.fault(':zone', `${JSON.stringify(text)} is no zone`);
  return minutes;
}

/** The date of a field; of trace fields the one at their end (RFC 5321 §4.4). */
function dateIn(value: string) {
  return parseDate(value) ?? parseDate(value.slice(value.lastIndexOf(';') + 1));
}

export const dates: Extension = {
  names: ['date', 'index'],
  tests: [
    {
      name: 'date',
      extensions: ['date'],
      tags: [...indexTags, zoneTag, { name: 'originalzone', group: 'zone' }],
      positional: [
        { name: 'header name', kind: 'string' },
        { name: 'date part', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      check: (args) => {
        checkIndex(args);
        checkDate(args);
      },
      run: (machine, args) => {
        const part = machine.text(args.text('date part'));
        const name = machine.text(args.text('header name'));
        const values = fieldValues(machine, args, [name], 'raw').flatMap((raw) => {
          const date = dateIn(raw);
          if (date === undefined) return [];
          const zone = zoneOf(machine, args, date.zoneMinutes);
          return datePart(date.epochMs, zone, part) ?? [];
        });
        return machine.matches(args, values);
      },
    },
    {
      name: 'currentdate',
      extensions: ['date'],
      tags: [zoneTag],
      positional: [
        { name: 'date part', kind: 'string' },
        { name: 'keys', kind: 'strings' },
      ],
      keys: 'keys',
      check: checkDate,
      run: (machine, args) => {
        const { nowMs, zoneMinutes } = machine.host;
        const part = machine.text(args.text('date part'));
        const value = datePart(nowMs, zoneOf(machine, args, zoneMinutes), part);
        return machine.matches(args, value === undefined ? [] : [value]);
      },
    },
  ],
};
