/**
 * Writes replies: one text, or several lines under one code.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5321 §4.2 (replies), §4.5.3.1.5 (512 octets a line), RFC 2034 (enhanced codes).
 */

import { Buffer } from 'node:buffer';

const textCharsMax = 480;
const linePattern = /^[2345]\d\d(?:[ -].*)?$/;

/** `text` begins with its code: `250 2.1.0 Ok`. Controls become `?`, long text is cut: a reply never breaks a line. */
export function encodeReply(text: string): Buffer {
  const cut = text.length > textCharsMax ? text.slice(0, textCharsMax) : text;
  return Buffer.from(`${cut.replace(/[\x00-\x1f\x7f]/g, '?')}\r\n`, 'utf8');
}

/** Lines without code, all under `code`. */
export function encodeLines(code: number, lines: readonly string[]): Buffer {
  const last = lines.length - 1;
  return Buffer.concat(
    lines.map((line, index) => encodeReply(`${code}${index === last ? ' ' : '-'}${line}`)),
  );
}

/** First digit of a reply, as a number: 2, 3, 4 or 5. */
export function replyClass(reply: Uint8Array): number {
  return reply[0]! - 0x30;
}

/** Whether `text` (without its CRLF) could stand on the wire as a line of a reply. */
export function isReplyLine(text: string): boolean {
  return linePattern.test(text);
}
