/**
 * The envelope as header fields, for scanners that are given a message and nothing else.
 *
 * Runs in:   engine threads; pure.
 * Specs:     RFC 5321 §4.4 (Return-Path, Received).
 */

import type { ScanSubject } from '../../ports/content-scanner.ts';
import { oneLine } from './words.ts';

/** As the message would have them on top, had it been delivered. */
export function traceFieldsOf(subject: ScanSubject): string {
  const { sender, helo, peerAddress, hostname, queueId, tls, user, receivedMs } = subject;
  const address = peerAddress.includes(':') ? `IPv6:${peerAddress}` : peerAddress;
  const how = `ESMTP${tls === undefined ? '' : 'S'}${user === '' ? '' : 'A'}`;
  const date = new Date(receivedMs).toUTCString().replace('GMT', '+0000');
  const [recipient] = subject.recipients;
  const isFor = subject.recipients.length === 1 ? `\r\n\tfor <${oneLine(recipient!)}>` : '';
  return (
    `Return-Path: <${oneLine(sender)}>\r\n` +
    `Received: from ${oneLine(helo) || 'unknown'} (${oneLine(helo) || 'unknown'} [${oneLine(address)}])\r\n` +
    `\tby ${oneLine(hostname)} with ${how} id ${oneLine(queueId)}${isFor};\r\n\t${date}\r\n`
  );
}
