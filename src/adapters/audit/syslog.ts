/**
 * An audit entry as a message of syslog.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5424 §6 (format), §6.2.1 (facility 13, log audit); RFC 6587 §3.4.1, RFC 5425 §4.3 (counted frames).
 * Limits:    a datagram of `datagramBytesMax`; what is longer is cut.
 * Invariant: one entry is one message of one line.
 */

import { Buffer } from 'node:buffer';
import type { AuditEntry, AuditOutcome } from '../../ports/audit-log.ts';
import { cefOf } from './cef.ts';

export interface SyslogSource {
  readonly hostname: string;
  readonly version: string;
}

const facility = 13;
/** RFC 5424 §6.2.1: 6 informational, 4 warning. */
const severities: Readonly<Record<AuditOutcome, number>> = {
  begun: 6,
  done: 6,
  refused: 4,
  failed: 4,
};
export const datagramBytesMax = 60_000;

export function syslogOf(entry: AuditEntry, { hostname, version }: SyslogSource): Buffer {
  const { atMs, outcome } = entry;
  const head = headOf(severities[outcome], atMs, hostname, 'entry');
  return Buffer.from(`${head} ${cefOf(entry, version)}`);
}

/** A signed head or key, as its line has it. */
export function syslogOfHead(line: string, atMs: number, hostname: string): Buffer {
  return Buffer.from(`${headOf(severities.done, atMs, hostname, 'head')} ${line}`);
}

/** With its length before it, for streams. */
export function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${message.byteLength} `), message]);
}

export function asDatagram(message: Buffer): Buffer {
  return message.subarray(0, datagramBytesMax);
}

/** No structured data: `-`. */
function headOf(severity: number, atMs: number, hostname: string, kind: string): string {
  const at = new Date(atMs).toISOString();
  const host = hostname.replace(/[^\x21-\x7e]/g, '').slice(0, 255) || '-';
  return `<${facility * 8 + severity}>1 ${at} ${host} chaski - audit-${kind} -`;
}
