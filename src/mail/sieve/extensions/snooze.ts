/**
 * snooze: a message that comes back at another time.
 *
 * Specs:     draft-ietf-extra-sieve-snooze-07.
 */

import type { Arguments } from '../compile/arguments.ts';
import type { Extension } from '../compile/spec.ts';
import { isTimeZone, nextTime, parseTimeOfDay, zoneOffsetMinutes } from '../message/snooze-time.ts';
import type { Machine } from '../run/machine.ts';
import { checkMailbox, checkSpecialUse, mailboxName, placeTags } from './filing.ts';
import { flagList } from './flags.ts';

const allDays = [0, 1, 2, 3, 4, 5, 6];

function check(args: Arguments): void {
  for (const text of args.constants('times')) timeOf(args, text);
  for (const text of args.constants(':weekdays')) weekdayOf(args, text);
  const zone = args.constant(':tzid');
  if (zone !== undefined) demandZone(args, zone);
  checkMailbox(args, ':mailbox');
  checkSpecialUse(args);
}

function timeOf(args: Arguments, text: string): number {
  const seconds = parseTimeOfDay(text);
  if (seconds !== undefined) return seconds;
  throw args.fault('times', `${JSON.stringify(text)} is no time of day: "08:30" is one`);
}

function weekdayOf(args: Arguments, text: string): number {
  if (/^[0-6]$/.test(text)) return Number(text);
  throw args.fault(':weekdays', 'days are numbered from "0", Sunday, to "6"');
}

function demandZone(args: Arguments, zone: string): void {
  if (!isTimeZone(zone)) {
    throw args.fault(
      ':tzid',
      `there is no time zone ${JSON.stringify(zone)}: "Europe/Berlin" is one`,
    );
  }
}

function run(machine: Machine, args: Arguments): void {
  const { nowMs, zoneMinutes } = machine.host;
  const times = machine.texts(args.texts('times')).map((text) => timeOf(args, text));
  const weekdays = args.has(':weekdays')
    ? machine.texts(args.texts(':weekdays')).map((text) => weekdayOf(args, text))
    : allDays;
  const zone = machine.optionalText(args, ':tzid');
  if (zone !== undefined) demandZone(args, zone);
  const offset = (epochMs: number) =>
    zone === undefined ? zoneMinutes : zoneOffsetMinutes(epochMs, zone);
  const list = (tag: string) => (args.has(tag) ? flagList(machine.texts(args.texts(tag))) : []);
  const mailboxId = machine.optionalText(args, ':mailboxid');
  const specialUse = machine.optionalText(args, ':specialuse');
  machine.outcome.keepsImplicitly = false;
  machine.outcome.add(
    {
      action: 'snooze',
      ...(args.has(':mailbox') ? { mailbox: mailboxName(machine, args, ':mailbox') } : {}),
      ...(args.has(':create') ? { create: true } : {}),
      ...(mailboxId === undefined ? {} : { mailboxId }),
      ...(specialUse === undefined ? {} : { specialUse }),
      addFlags: list(':addflags'),
      removeFlags: list(':removeflags'),
      untilMs: nextTime(nowMs, times, weekdays, offset),
    },
    args.at,
  );
}

export const snooze: Extension = {
  names: ['snooze'],
  commands: [
    {
      name: 'snooze',
      extensions: ['snooze'],
      tags: [
        { name: 'mailbox', value: 'string' },
        ...placeTags,
        { name: 'addflags', value: 'strings', extension: 'imap4flags' },
        { name: 'removeflags', value: 'strings', extension: 'imap4flags' },
        { name: 'weekdays', value: 'strings' },
        { name: 'tzid', value: 'string' },
      ],
      positional: [{ name: 'times', kind: 'strings' }],
      check,
      run,
    },
  ],
};
