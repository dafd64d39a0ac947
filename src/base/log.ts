/**
 * Structured log lines, one JSON object each, on standard output.
 *
 * Runs in:   every thread; each has its own writer to the same descriptor (whole lines only).
 * Limits:    a writer holds `unwrittenBytesMax` bytes of lines for a slow reader; what comes then is dropped and
 *            counted. Nobody waits for the reader but the end of the process, where all that is held is written; a
 *            process that ends by `exit` or a thrown error while its reader is behind may lose the one write under way
 *            (16 kB), for no one can wait for it any more.
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

export interface LogTarget {
  readonly descriptor?: number;
  /** Lines are gathered up to so many bytes, or `flushMs`, before they are written: for threads that log per message. */
  readonly gatherBytes?: number;
}

const flushMs = 200;
/** A reader that does not read costs lines, never memory without bound or a thread that waits. */
const unwrittenBytesMax = 8 * 1_048_576;

export function createLog(level: LogLevel, fields: LogFields = {}, target: LogTarget = {}): Log {
  const destination = pino.destination({
    dest: target.descriptor ?? 1,
    // A write in the caller's turn would wait for a terminal or a pipe, and with it every session of the thread.
    sync: false,
    maxLength: unwrittenBytesMax,
    ...(target.gatherBytes === undefined
      ? { minLength: 1 }
      : { minLength: target.gatherBytes, periodicFlush: flushMs }),
  });
  process.once('exit', () => flushAtExit(destination));
  // A full disk or a reader that went away must not end the thread: the lines are tried again with the next.
  destination.on('error', () => {});
  // Without its serializer an Error would be logged as {}.
  const serializers = { error: pino.stdSerializers.err, cause: pino.stdSerializers.err };
  const log = pino({ level, base: fields, timestamp: timeField(), serializers }, destination);
  let droppedCount = 0;
  destination.on('drop', () => {
    droppedCount++;
    droppedLines.count++;
  });
  destination.on('drain', () => {
    if (droppedCount === 0) return;
    const count = droppedCount;
    droppedCount = 0;
    log.warn({ count }, 'log lines were dropped: their reader is too slow');
  });
  return wrap(log);
}

/** Of all writers of this thread since it started. */
export const droppedLines = { count: 0 };

/** RFC 3339 in UTC. Lines of one millisecond share the text: making it costs more than the rest of a line. */
function timeField(): () => string {
  let lastMs = 0;
  let text = '';
  return () => {
    // pino's own clock, as `,"time":1767225600000`.
    const nowMs = Number(pino.stdTimeFunctions.epochTime().slice(8));
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      text = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return text;
  };
}

function flushAtExit(destination: { flushSync(): void }): void {
  try {
    destination.flushSync();
  } catch {
    // The descriptor is gone or was never ready: there is nobody left to tell.
  }
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
