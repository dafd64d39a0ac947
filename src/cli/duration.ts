/**
 * Lengths of time as operators write them.
 *
 * Runs in: the CLI's process; pure.
 */

import { dayMs, hourMs, minuteMs, secondMs } from '../base/units.ts';
import { UsageError } from './command.ts';

/** @throws UsageError where the text is no length of time */
export function durationMs(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (match === null) {
    throw new UsageError(`--${option} is a time as 30m, 12h or 2d, not "${text}"`);
  }
  const units = { s: secondMs, m: minuteMs, h: hourMs, d: dayMs };
  return Number(match[1]) * units[match[2] as keyof typeof units];
}
