/**
 * Writes FETCH responses, item by item.
 *
 * Runs in:   anywhere; pure; hot: a message of `FETCH 1:* (FLAGS)` must cost some tens of nanoseconds here.
 * Specs:     RFC 9051 §7.5.2; RFC 7162 §3.1.4 (MODSEQ); RFC 3516 (BINARY); RFC 8474, RFC 8514, RFC 8970.
 *
 * Use: `startFetch`, then items in any order, then `endFetch`. ENVELOPE and BODYSTRUCTURE come as they were written at delivery
 * (formats/mime/summary.ts).
 */

import { latin1 } from '../../../base/bytes.ts';
import { dayMs, secondMs } from '../../../base/units.ts';
import { monthNames } from '../../formats/date/format.ts';
import { parenClose, space } from './octets.ts';
import type { FetchKind } from './parse-fetch.ts';
import type { ResponseWriter } from './response.ts';
import { flagTexts, writeFlags } from './response-data.ts';

/** `* 12 FETCH (`. */
export function startFetch<Handle>(writer: ResponseWriter<Handle>, number: number): void {
  writer.numberBetween(untaggedOctets, number, fetchOctets);
}

/** `* 25997 UIDFETCH (`: RFC 9586 §3.2. */
export function startUidFetch<Handle>(writer: ResponseWriter<Handle>, uid: number): void {
  writer.text('* ').number(uid).text(' UIDFETCH (');
}

export function endFetch<Handle>(writer: ResponseWriter<Handle>): void {
  writer.text(')\r\n');
}

/** All of `* 12 FETCH (UID 7 FLAGS (\Seen))`, of a message without keywords; UID 0 is not told. */
export function fetchFlagsAlone<Handle>(
  writer: ResponseWriter<Handle>,
  number: number,
  uid: number,
  system: number,
): void {
  if (uid === 0) writer.numberBetween(untaggedOctets, number, flagsAlone[system]!);
  else {
    writer.numberBetween(untaggedOctets, number, fetchUidOctets);
    writer.numberBetween(noOctets, uid, flagsBehind[system]!);
  }
}

const noOctets = new Uint8Array(0);
const untaggedOctets = latin1('* ');
const fetchOctets = latin1(' FETCH (');
const fetchUidOctets = latin1(' FETCH (UID ');
/** By mask, as `flagTexts`. */
const flagsAlone = flagTexts.map((text) => latin1(` FETCH (FLAGS (${text}))\r\n`));
const flagsBehind = flagTexts.map((text) => latin1(` FLAGS (${text}))\r\n`));

/** Between two items. */
export function nextItem<Handle>(writer: ResponseWriter<Handle>): void {
  writer.octet(space);
}

export function fetchFlags<Handle>(
  writer: ResponseWriter<Handle>,
  system: number,
  keywords: readonly string[],
): void {
  writer.text('FLAGS ');
  writeFlags(writer, system, keywords);
}

export function fetchNumber<Handle>(
  writer: ResponseWriter<Handle>,
  kind: Extract<FetchKind, 'RFC822.SIZE' | 'UID'>,
  value: number,
): void {
  writer.text(kind).octet(space).number(value);
}

export function fetchModseq<Handle>(writer: ResponseWriter<Handle>, modseq: number): void {
  writer.text('MODSEQ (').number(modseq).octet(parenClose);
}

export function fetchInternalDate<Handle>(writer: ResponseWriter<Handle>, epochMs: number): void {
  writer.text('INTERNALDATE "');
  writeDateTime(writer, epochMs);
}

/** Undefined: the mailbox does not say when a message came into it (RFC 8514 §4.2). */
export function fetchSaveDate<Handle>(
  writer: ResponseWriter<Handle>,
  epochMs: number | undefined,
): void {
  if (epochMs === undefined) {
    writer.text('SAVEDATE NIL');
    return;
  }
  writer.text('SAVEDATE "');
  writeDateTime(writer, epochMs);
}

/** Wire-ready octets: ENVELOPE, BODYSTRUCTURE, BODY. */
export function fetchReady<Handle>(
  writer: ResponseWriter<Handle>,
  kind: Extract<FetchKind, 'BODY' | 'BODYSTRUCTURE' | 'ENVELOPE'>,
  octets: Uint8Array,
): void {
  writer.text(kind).octet(space).view(octets);
}

/** As `fetchReady`, of octets within a row that will be written over. */
export function fetchReadyPart<Handle>(
  writer: ResponseWriter<Handle>,
  kind: Extract<FetchKind, 'BODY' | 'BODYSTRUCTURE' | 'ENVELOPE'>,
  row: Buffer,
  from: number,
  to: number,
): void {
  writer.text(kind).octet(space).copyPart(row, from, to);
}

/** Ids are of RFC 8474 §4: letters, digits, underscore and hyphen. Undefined: no THREADID. */
export function fetchObjectId<Handle>(
  writer: ResponseWriter<Handle>,
  kind: Extract<FetchKind, 'EMAILID' | 'THREADID'>,
  id: string | undefined,
): void {
  writer.text(kind).octet(space);
  if (id === undefined) writer.text('NIL');
  else writer.text('(').text(id).octet(parenClose);
}

/** Undefined: none is at hand, which only LAZY may be told (RFC 8970 §3.1). */
export function fetchPreview<Handle>(
  writer: ResponseWriter<Handle>,
  preview: string | undefined,
): void {
  writer.text('PREVIEW ').nstring(preview);
}

/** A section's octets; undefined: there is no such part. `label` is `FetchItem.label`. */
export function fetchSection<Handle>(
  writer: ResponseWriter<Handle>,
  label: string,
  octets: Uint8Array | undefined,
): void {
  writeLabel(writer, label);
  if (octets === undefined) writer.text('NIL');
  else writer.literal(octets);
}

/** A section whose octets the session streams. */
export function fetchSectionHandle<Handle>(
  writer: ResponseWriter<Handle>,
  label: string,
  handle: Handle,
  bytes: number,
): void {
  writeLabel(writer, label);
  writer.literalHandle(handle, bytes);
}

/** What comes before a section's octets. */
export function startLiteral<Handle>(
  writer: ResponseWriter<Handle>,
  label: string,
  bytes: number,
  isBinary: boolean,
): void {
  writeLabel(writer, label);
  writer
    .text(isBinary ? '~{' : '{')
    .number(bytes)
    .text('}\r\n');
}

/** BINARY[…]: a literal8 where NUL is among the octets (RFC 3516 §4.2.3). */
export function fetchBinary<Handle>(
  writer: ResponseWriter<Handle>,
  label: string,
  octets: Uint8Array | undefined,
): void {
  writeLabel(writer, label);
  if (octets === undefined) writer.text('NIL');
  else if (octets.includes(0)) writer.literal8(octets);
  else writer.literal(octets);
}

export function fetchBinarySize<Handle>(
  writer: ResponseWriter<Handle>,
  label: string,
  bytes: number,
): void {
  writeLabel(writer, label);
  writer.number(bytes);
}

function writeLabel<Handle>(writer: ResponseWriter<Handle>, label: string): void {
  writer.text(label).octet(space);
}

/** `17-Jul-1996 02:44:25 +0000"`, the day in two columns. A message mostly came on the day of the one before it. */
function writeDateTime<Handle>(writer: ResponseWriter<Handle>, epochMs: number): void {
  const day = Math.floor(epochMs / dayMs);
  if (day !== knownDay) {
    knownDay = day;
    knownDayText = dayText(day);
  }
  const seconds = Math.floor(epochMs / secondMs) - day * (dayMs / secondMs);
  const minutes = (seconds / 60) | 0;
  writer.text(knownDayText);
  writeTwo(writer, (minutes / 60) | 0);
  writer.octet(colon);
  writeTwo(writer, minutes % 60);
  writer.octet(colon);
  writeTwo(writer, seconds % 60);
  writer.text(' +0000"');
}

let knownDay = Number.NaN;
let knownDayText = '';
const colon = 0x3a;
const zero = 0x30;

function dayText(day: number): string {
  const date = new Date(day * dayMs);
  const ofMonth = String(date.getUTCDate()).padStart(2, ' ');
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  return `${ofMonth}-${monthNames[date.getUTCMonth()]}-${year} `;
}

function writeTwo<Handle>(writer: ResponseWriter<Handle>, value: number): void {
  const tens = (value / 10) | 0;
  writer.octet(zero + tens).octet(zero + value - tens * 10);
}
