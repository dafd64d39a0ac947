/**
 * Messages from a folder of .eml files or an mbox, made fit to be sent: line ends, a mark, an id of their own.
 *
 * Runs in:   load generator, at the start of a run.
 * Specs:     RFC 5322 §2.1 (lines end with CRLF), RFC 4155 (mbox).
 * Limits:    `messagesCountMax` messages and `corpusBytesMax` of text: more is refused, with what to do.
 * Invariant: the body is that of the file; of the header only Message-ID and an earlier mark are replaced.
 */

import { Buffer } from 'node:buffer';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { mebibyte } from '../../base/units.ts';
import { MboxReader } from '../../mail/formats/mbox/reader.ts';
import { bodyStart } from '../ledger/mark.ts';
import { createForm, type Form, type Framing, idRoom, markRoom, stuffed } from './form.ts';

const messagesCountMax = 20_000;
const corpusBytesMax = 512 * mebibyte;
const pieceBytes = mebibyte;
const carriageReturn = 0x0d;
const fromLine = /^>?From /;
const replacedFields = /^(?:message-id|x-chaski-ledger)[ \t]*:/i;

export function formsOfFolder(folder: string, framing: Framing): readonly Form[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.eml'));
  const texts = names.sort().map((name) => () => readFileSync(join(folder, name)));
  return formsOf(folder, texts, framing);
}

export function formsOfMbox(path: string, framing: Framing): readonly Form[] {
  const texts = readMbox(path).map((text) => () => text);
  return formsOf(path, texts, framing);
}

function formsOf(
  from: string,
  texts: readonly (() => Buffer)[],
  framing: Framing,
): readonly Form[] {
  if (texts.length === 0) throw new Error(`${from} holds no messages`);
  if (texts.length > messagesCountMax) {
    throw new Error(
      `${from} holds ${texts.length} messages, over ${messagesCountMax}: take a part`,
    );
  }
  let bytes = 0;
  return texts.map((read) => {
    const text = read();
    bytes += text.length;
    if (bytes > corpusBytesMax)
      throw new Error(`${from} is over ${corpusBytesMax} bytes: take a part`);
    return formOf(text, framing);
  });
}

function readMbox(path: string): readonly Buffer[] {
  const reader = new MboxReader(corpusBytesMax);
  const texts: Buffer[] = [];
  const file = openSync(path, 'r');
  try {
    for (;;) {
      // The reader keeps views: each piece has memory of its own.
      const piece = Buffer.allocUnsafeSlow(pieceBytes);
      const count = readSync(file, piece, 0, pieceBytes, null);
      const items = count === 0 ? reader.end() : reader.push(piece.subarray(0, count));
      for (const item of items) {
        if (item.kind === 'fault')
          throw new Error(`${path} at byte ${item.offset}: ${item.reason}`);
        texts.push(item.raw);
      }
      if (count === 0) return texts;
    }
  } finally {
    closeSync(file);
  }
}

function formOf(text: Buffer, framing: Framing): Form {
  const message = withCrlf(text);
  const start = message[0] === carriageReturn ? 2 : bodyStart(message);
  const header = message.toString('latin1', 0, start).trimEnd();
  // A file may begin with the line of an mbox, or have no header at all.
  const kept = header
    .split(/\r\n(?![ \t])/)
    .filter((field, at) => field !== '' && !(at === 0 && fromLine.test(field)))
    .filter((field) => !replacedFields.test(field));
  // A field may begin with a dot (RFC 5322 §3.6.8), and a line of one dot would end the message here.
  const dots = framing === 'dots' ? kept.filter((field) => field.startsWith('.')).length : 0;
  const lines = kept.map((field) => `${dots > 0 && field.startsWith('.') ? '.' : ''}${field}\r\n`);
  const top = `${markRoom}${lines.join('')}`;
  const body = message.subarray(start);
  return createForm({
    header: `${top}Message-ID: <${idRoom}@load.invalid>\r\n\r\n`,
    headerDots: dots,
    body: [body],
    bodyWire: [framing === 'dots' ? stuffed(body) : body],
    framing,
  });
}

/** Lines end with CRLF and the message with a line end; a CR or LF alone becomes one. */
function withCrlf(text: Buffer): Buffer {
  const lines = text.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n');
  return Buffer.from(lines.endsWith('\r\n') ? lines : `${lines}\r\n`, 'latin1');
}
