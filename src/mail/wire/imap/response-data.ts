/**
 * Writes the data of untagged responses: sets, flags, LIST, STATUS, VANISHED, NAMESPACE and so on.
 *
 * Runs in:   anywhere; pure; hot.
 * Specs:     RFC 9051 §7.2-7.5; RFC 3501 §7.2 (LSUB); RFC 7162 §3.2.10 (VANISHED);
 *            RFC 5258 §4 (CHILDINFO), RFC 9051 §6.3.9.7 (OLDNAME); RFC 8474 (MAILBOXID).
 * Invariant: ranges are normalised (`sequence-set.ts`), so a set is as short as it can be.
 */

import { encodeMutf7, separator } from './mailbox-name.ts';
import { asterisk, colon, comma, parenClose, parenOpen, space } from './octets.ts';
import { systemFlags } from './parse-flags.ts';
import type { StatusItem } from './parse-status.ts';
import type { ResponseWriter } from './response.ts';

/** `1:4,7`; for no ranges nothing is written. */
export function writeSet<Handle>(writer: ResponseWriter<Handle>, ranges: readonly number[]): void {
  for (let i = 0; i < ranges.length; i += 2) {
    if (i > 0) writer.octet(comma);
    writer.number(ranges[i]!);
    if (ranges[i + 1] !== ranges[i]) writer.octet(colon).number(ranges[i + 1]!);
  }
}

/** By mask of `systemFlags`, with `\Recent` above them. */
export const flagTexts: readonly string[] = Array.from(
  { length: 1 << (systemFlags.length + 1) },
  (_, mask) => [...systemFlags, '\\Recent'].filter((_, bit) => (mask & (1 << bit)) !== 0).join(' '),
);

/** Bit of \Recent in `writeFlags`. */
export const recentBit = 1 << systemFlags.length;

/** `(\Seen $Junk)`. */
export function writeFlags<Handle>(
  writer: ResponseWriter<Handle>,
  system: number,
  keywords: readonly string[],
): void {
  const text = flagTexts[system]!;
  writer.octet(parenOpen).text(text);
  let isFirst = text === '';
  for (const keyword of keywords) {
    if (!isFirst) writer.octet(space);
    writer.text(keyword);
    isFirst = false;
  }
  writer.octet(parenClose);
}

export interface ListedMailbox {
  /** With backslashes. */
  readonly attributes: readonly string[];
  readonly name: string;
  /** RFC 9051 §6.3.9.7, after a RENAME or a CREATE whose name was normalised. */
  readonly oldName?: string;
  /** RFC 5258 §4: selection options that something below fulfils, as `SUBSCRIBED`. */
  readonly childInfo?: readonly string[];
}

export function writeList<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: ListedMailbox,
  response: 'LIST' | 'LSUB' = 'LIST',
): void {
  const { attributes, name, oldName, childInfo } = mailbox;
  writer.text('* ').text(response).text(' (').text(attributes.join(' '));
  writer.text(`) "${separator}" `).mailbox(name);
  if (oldName !== undefined || (childInfo !== undefined && childInfo.length > 0)) {
    writer.text(' (');
    if (childInfo !== undefined && childInfo.length > 0) {
      writer.text('"CHILDINFO" (').text(childInfo.map((option) => `"${option}"`).join(' '));
      writer.text(oldName === undefined ? ')' : ') ');
    }
    if (oldName !== undefined) writer.text('"OLDNAME" (').mailbox(oldName).text(')');
    writer.octet(parenClose);
  }
  writer.crlf();
}

/** What `LIST "" ""` asks for. */
export function writeHierarchy<Handle>(writer: ResponseWriter<Handle>): void {
  writer.text(`* LIST (\\Noselect) "${separator}" ""\r\n`);
}

/** Values by item: a number, an id (MAILBOXID), or null (no APPENDLIMIT). */
export type StatusValue = readonly [item: StatusItem, value: number | string | null];

export function writeStatusData<Handle>(
  writer: ResponseWriter<Handle>,
  mailbox: string,
  values: readonly StatusValue[],
): void {
  writer.text('* STATUS ').mailbox(mailbox).text(' (');
  values.forEach(([item, value], i) => {
    if (i > 0) writer.octet(space);
    writer.text(item).octet(space);
    if (value === null) writer.text('NIL');
    else if (typeof value === 'number') writer.number(value);
    else writer.octet(parenOpen).text(value).octet(parenClose);
  });
  writer.text(')\r\n');
}

/** `* 12 EXISTS` and its like. */
export function writeCount<Handle>(
  writer: ResponseWriter<Handle>,
  count: number,
  name: 'EXISTS' | 'EXPUNGE' | 'RECENT',
): void {
  writer.octet(asterisk).octet(space).number(count).octet(space).text(name).crlf();
}

/** `* FLAGS (…)`, or the code `PERMANENTFLAGS (…)` in an OK. */
export function writeMailboxFlags<Handle>(
  writer: ResponseWriter<Handle>,
  system: number,
  keywords: readonly string[],
): void {
  writer.text('* FLAGS ');
  writeFlags(writer, system, keywords);
  writer.crlf();
}

/** `mayCreate`: `\*`, the client may make keywords. */
export function writePermanentFlags<Handle>(
  writer: ResponseWriter<Handle>,
  system: number,
  keywords: readonly string[],
  mayCreate: boolean,
): void {
  writer.text('* OK [PERMANENTFLAGS ');
  writeFlags(writer, system, mayCreate ? [...keywords, '\\*'] : keywords);
  writer.text('] Flags permitted\r\n');
}

/** `* VANISHED (EARLIER) 4,7:9`; nothing where nothing vanished. */
export function writeVanished<Handle>(
  writer: ResponseWriter<Handle>,
  uids: readonly number[],
  isEarlier: boolean,
): void {
  if (uids.length === 0) return;
  writer.text(isEarlier ? '* VANISHED (EARLIER) ' : '* VANISHED ');
  writeSet(writer, uids);
  writer.crlf();
}

/** `* CAPABILITY …`, `* ENABLED …`. */
export function writeNames<Handle>(
  writer: ResponseWriter<Handle>,
  response: 'CAPABILITY' | 'ENABLED',
  names: readonly string[],
): void {
  writer.text('* ').text(response);
  for (const name of names) writer.octet(space).text(name);
  writer.crlf();
}

/** One personal namespace without prefix, none of others, none shared, or as given. */
export function writeNamespace<Handle>(
  writer: ResponseWriter<Handle>,
  personal: readonly string[],
  others: readonly string[],
  shared: readonly string[],
): void {
  writer.text('* NAMESPACE');
  for (const prefixes of [personal, others, shared]) {
    writer.octet(space);
    if (prefixes.length === 0) {
      writer.text('NIL');
      continue;
    }
    writer.octet(parenOpen);
    for (const prefix of prefixes) {
      writer.octet(parenOpen);
      writeNamespacePrefix(writer, prefix);
      writer.text(` "${separator}")`);
    }
    writer.octet(parenClose);
  }
  writer.crlf();
}

/** A namespace's prefix is a string, never an atom. */
function writeNamespacePrefix<Handle>(writer: ResponseWriter<Handle>, prefix: string): void {
  writer.string(writer.isUtf8 ? prefix : encodeMutf7(prefix));
}

/** `* ID ("name" "Chaski")`; NIL for no pairs. */
export function writeId<Handle>(
  writer: ResponseWriter<Handle>,
  pairs: readonly (readonly [string, string | null])[],
): void {
  writer.text('* ID ');
  if (pairs.length === 0) writer.text('NIL');
  else {
    writer.octet(parenOpen);
    pairs.forEach(([field, value], i) => {
      if (i > 0) writer.octet(space);
      writer.string(field).octet(space).nstring(value);
    });
    writer.octet(parenClose);
  }
  writer.crlf();
}
