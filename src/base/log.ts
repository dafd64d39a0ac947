/**
 * Structured log lines, one JSON object each, on standard output.
 *
 * Runs in:   every thread; each has its own writer to the same descriptor (a line is one write).
 * Invariant: no secret and no message body is ever a field.
 */

import { pino } from 'pino';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
  /** A log whose every line carries `fields` too. */
  with(fields: LogFields): Log;
  /** Whether a line of this level would be written: ask before building costly fields. */
  isOn(level: Exclude<LogLevel, 'silent'>): boolean;
}

export function createLog(level: LogLevel, fields: LogFields = {}, descriptor = 1): Log {
  const destination = pino.destination({ dest: descriptor, sync: true });
  return wrap(pino({ level, base: fields, timestamp: pino.stdTimeFunctions.isoTime }, destination));
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
  isOn: () => false,
};

function wrap(inner: import('pino').Logger): Log {
  return {
    debug: (fields, text) => inner.debug(fields, text),
    info: (fields, text) => inner.info(fields, text),
    warn: (fields, text) => inner.warn(fields, text),
    error: (fields, text) => inner.error(fields, text),
    with: (fields) => wrap(inner.child(fields)),
    isOn: (level) => inner.isLevelEnabled(level),
  };
}
