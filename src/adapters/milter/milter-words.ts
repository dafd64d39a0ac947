/**
 * Numbers and packets of the milter protocol.
 *
 * Runs in:   engine threads; pure.
 * Specs:     the milter protocol, version 6 (libmilter's mfdef.h).
 * Limits:    a packet has `packetBytesMax` at most; a body travels in chunks of `bodyChunkBytes`.
 */

import { Buffer } from 'node:buffer';

export const versionMin = 2;
export const versionMax = 6;
export const bodyChunkBytes = 65_535;
export const packetBytesMax = 1_048_576;

/** Changes a milter may ask for; asking for another one is a fault. */
export const changes = {
  addFields: 0x01,
  replaceBody: 0x02,
  addRecipients: 0x04,
  removeRecipients: 0x08,
  changeFields: 0x10,
  quarantine: 0x20,
  changeSender: 0x40,
  addRecipientsWithTerms: 0x80,
} as const;
export const changesOffered = 0xff;

/** What a milter does not want to see, or will not answer. */
export const steps = {
  noConnect: 0x1,
  noHelo: 0x2,
  noMail: 0x4,
  noRecipients: 0x8,
  noBody: 0x10,
  noFields: 0x20,
  noEndOfHeader: 0x40,
  noReplyField: 0x80,
  noData: 0x200,
  skip: 0x400,
  noReplyConnect: 0x1000,
  noReplyHelo: 0x2000,
  noReplyMail: 0x4000,
  noReplyRecipient: 0x8000,
  noReplyData: 0x10000,
  noReplyEndOfHeader: 0x40000,
  noReplyBody: 0x80000,
  /** It is shown values with the blank behind the colon. */
  leadingBlanks: 0x100000,
} as const;
/** All of the above, and leave not to see commands that are unknown (0x100, 0x20000), which are never shown. */
export const stepsOffered = Object.values(steps).reduce((all, step) => all | step, 0x20100);

export function packet(command: string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + bytes.reduce((sum, { length }) => sum + length, 0));
  head.write(command, 4, 'latin1');
  return Buffer.concat([head, ...bytes]);
}

/** Each ended by a NUL; none of its own stays in it. */
export function texts(...all: readonly string[]): string {
  return all.map((text) => `${text.replaceAll('\0', '')}\0`).join('');
}

export function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export interface HeaderField {
  readonly name: string;
  /** A character a byte. Lines of a folded one end with LF alone, as MTAs hand them to milters. */
  readonly value: string;
}

/** What a milter is shown of a message: its fields, and where its body starts. */
export function splitMessage(
  message: Uint8Array,
  hasLeadingBlanks: boolean,
): {
  readonly fields: readonly HeaderField[];
  readonly body: Uint8Array;
} {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const isBare = bytes.subarray(0, 2).equals(lineEnd);
  const end = isBare ? 0 : bytes.indexOf('\r\n\r\n');
  const header = bytes.subarray(0, end < 0 ? bytes.length : end).toString('latin1');
  const lines = header.split(/\r\n(?![ \t])/);
  const fields = lines.flatMap((line) => {
    const [, name, value] = /^([!-9;-~]+)[ \t]*:([\s\S]*)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const text = value!.replaceAll('\r\n', '\n');
    return [{ name, value: hasLeadingBlanks ? text : text.replace(/^ /, '') }];
  });
  const bodyStart = end < 0 ? bytes.length : end + (isBare ? 2 : 4);
  return { fields, body: bytes.subarray(bodyStart) };
}

const lineEnd = Buffer.from('\r\n');
