/**
 * What it costs to read an IMAP command, from its octets to its arguments: ns a command.
 *
 * Usage: node bench/micro/imap-commands.ts
 */

import { CommandReader } from '../../src/mail/wire/imap/command-reader.ts';
import { Cursor } from '../../src/mail/wire/imap/cursor.ts';
import { parseCommandStart } from '../../src/mail/wire/imap/parse-command.ts';
import { parseUidFetch } from '../../src/mail/wire/imap/parse-fetch.ts';
import { parseSearch } from '../../src/mail/wire/imap/parse-search.ts';
import { parseNothing } from '../../src/mail/wire/imap/parse-session.ts';
import { parseStore } from '../../src/mail/wire/imap/parse-store.ts';

const subjects: Readonly<Record<string, (cursor: Cursor) => unknown>> = {
  'A1 NOOP': parseNothing,
  'A1 UID STORE 1234 +FLAGS.SILENT (\\Seen)': parseStore,
  'A1 UID FETCH 1234 (UID FLAGS BODY.PEEK[])': parseUidFetch,
  'A1 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])': parseUidFetch,
  'A1 UID SEARCH RETURN (ALL) UNSEEN SINCE 1-Feb-2026 FROM "bob"': parseSearch,
};
const pipelined = 100;

const reader = new CommandReader(8_192);
const cursor = new Cursor();

function readChunk(chunk: Buffer, parse: (cursor: Cursor) => unknown): void {
  reader.give(chunk);
  while (reader.next() === 'command') {
    parseCommandStart(cursor.open(reader.bytes, reader.start, reader.end));
    if (parse(cursor) === undefined) throw new Error(cursor.fault);
  }
}

for (const [line, parse] of Object.entries(subjects)) {
  const chunk = Buffer.from(`${line}\r\n`.repeat(pipelined));
  const times = Array.from({ length: 9 }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 500; i++) readChunk(chunk, parse);
    return Number(process.hrtime.bigint() - start) / 500 / pipelined;
  });
  console.log(
    `${times
      .sort((a, b) => a - b)[4]!
      .toFixed(0)
      .padStart(6)} ns  ${line}`,
  );
}
