/**
 * Reads FETCH and UID FETCH.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 9051 §6.4.5; RFC 3501 §6.4.5 (RFC822, RFC822.HEADER, RFC822.TEXT); RFC 7162 §3.1.4 (CHANGEDSINCE,
 *            VANISHED, MODSEQ); RFC 3516 (BINARY); RFC 8474 (EMAILID, THREADID); RFC 8514 (SAVEDATE); RFC 8970
 *            (PREVIEW); RFC 9394 (PARTIAL).
 * Limits:    `listItemsMax` items.
 */

import { type Cursor, fail } from './cursor.ts';
import { listItemsMax } from './limits.ts';
import { bracketOpen, classAtom, parenClose, parenOpen, space } from './octets.ts';
import {
  parseBinarySection,
  parsePartial,
  parseSection,
  type Section,
  sectionLabel,
  wholeMessage,
} from './parse-section.ts';
import {
  expectEnd,
  expectOctet,
  expectSpace,
  parseName,
  parseNumber64,
  runEnd,
  takeOctet,
} from './parse-strings.ts';
import { type PartialRange, parsePartialRange } from './parse-window.ts';
import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

/** `SECTION`: BODY[…] and the RFC822 kinds. `BINARY`: decoded. `BINARY.SIZE`: how long that is. */
export type FetchKind =
  | 'BINARY'
  | 'BINARY.SIZE'
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'EMAILID'
  | 'ENVELOPE'
  | 'FLAGS'
  | 'INTERNALDATE'
  | 'MODSEQ'
  | 'PREVIEW'
  | 'RFC822.SIZE'
  | 'SAVEDATE'
  | 'SECTION'
  | 'THREADID'
  | 'UID';

export interface FetchItem {
  readonly kind: FetchKind;
  /** What stands before the value in a response: `BODY[TEXT]<0>`. */
  readonly label: string;
  readonly section: Section;
  /** -1: all of it. */
  readonly offset: number;
  readonly length: number;
  /** Messages fetched become \Seen. */
  readonly marksSeen: boolean;
  /** PREVIEW (LAZY): only where it costs nothing. */
  readonly isLazy: boolean;
}

export interface FetchCommand {
  readonly set: SequenceSet;
  readonly items: readonly FetchItem[];
  /** Only messages whose modseq is above; -1: all. */
  readonly changedSince: number;
  /** UID FETCH with CHANGEDSINCE alone: tell what was expunged since (RFC 7162 §3.2.6). */
  readonly isVanished: boolean;
  readonly partial: PartialRange | undefined;
}

const plainKinds: ReadonlySet<string> = new Set<FetchKind>([
  'BODY',
  'BODYSTRUCTURE',
  'EMAILID',
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'MODSEQ',
  'RFC822.SIZE',
  'SAVEDATE',
  'THREADID',
  'UID',
]);

function plainItem(kind: FetchKind): FetchItem {
  return sectionItem(kind, kind, wholeMessage, false);
}

function sectionItem(
  kind: FetchKind,
  label: string,
  section: Section,
  marksSeen: boolean,
): FetchItem {
  return { kind, label, section, offset: -1, length: -1, marksSeen, isLazy: false };
}

const plainItems: ReadonlyMap<string, FetchItem> = new Map<string, FetchItem>([
  ...[...plainKinds].map((kind) => [kind, plainItem(kind as FetchKind)] as const),
  ['RFC822', sectionItem('SECTION', 'RFC822', wholeMessage, true)],
  [
    'RFC822.HEADER',
    sectionItem('SECTION', 'RFC822.HEADER', { ...wholeMessage, text: 'HEADER' }, false),
  ],
  ['RFC822.TEXT', sectionItem('SECTION', 'RFC822.TEXT', { ...wholeMessage, text: 'TEXT' }, true)],
]);

const itemsOf = (...names: string[]) => names.map((name) => plainItems.get(name)!);
const macros: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ['ALL', itemsOf('FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE')],
  ['FAST', itemsOf('FLAGS', 'INTERNALDATE', 'RFC822.SIZE')],
  ['FULL', itemsOf('FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY')],
]);

/** The cursor stands behind the command's name. */
export function parseFetch(cursor: Cursor): FetchCommand | undefined {
  return parseFetchOf(cursor, false);
}

export function parseUidFetch(cursor: Cursor): FetchCommand | undefined {
  return parseFetchOf(cursor, true);
}

function parseFetchOf(cursor: Cursor, isUid: boolean): FetchCommand | undefined {
  if (!expectSpace(cursor)) return undefined;
  const set = parseSequenceSet(cursor);
  if (set === undefined || !expectSpace(cursor)) return undefined;
  const items = parseFetchItems(cursor);
  if (items === undefined) return undefined;
  const modifiers: Modifiers = { changedSince: -1, isVanished: false, partial: undefined };
  if (takeOctet(cursor, space) && cursor.peek() === parenOpen) {
    if (!parseModifiers(cursor, modifiers)) return undefined;
  }
  if (!expectEnd(cursor)) return undefined;
  // RFC 7162 §3.2.6: VANISHED only with UID FETCH and CHANGEDSINCE.
  if (modifiers.isVanished && (!isUid || modifiers.changedSince < 0)) {
    return fail(cursor, 'VANISHED needs UID FETCH and CHANGEDSINCE');
  }
  return { set, items, ...modifiers };
}

export function parseFetchItems(cursor: Cursor): readonly FetchItem[] | undefined {
  if (!takeOctet(cursor, parenOpen)) {
    const macro = takeMacro(cursor);
    if (macro !== undefined) return macro;
    const item = parseFetchItem(cursor);
    return item === undefined ? undefined : [item];
  }
  const items: FetchItem[] = [];
  for (;;) {
    const item = parseFetchItem(cursor);
    if (item === undefined) return undefined;
    if (items.push(item) > listItemsMax) return fail(cursor, 'Too many items', 'limit');
    if (takeOctet(cursor, parenClose)) return items;
    if (!expectSpace(cursor)) return undefined;
  }
}

function takeMacro(cursor: Cursor): readonly FetchItem[] | undefined {
  const stop = runEnd(cursor, classAtom);
  if (stop - cursor.at > 4) return undefined;
  const macro = macros.get(cursor.bytes.toString('latin1', cursor.at, stop).toUpperCase());
  if (macro !== undefined) cursor.at = stop;
  return macro;
}

function parseFetchItem(cursor: Cursor): FetchItem | undefined {
  const from = cursor.at;
  const name = itemName(cursor);
  if (cursor.peek() === bracketOpen) return parseSectioned(cursor, name);
  if (name === 'PREVIEW') return parsePreview(cursor);
  const item = plainItems.get(name);
  if (item !== undefined) return item;
  cursor.at = from;
  return fail(cursor, 'Unknown FETCH item');
}

/** The name without what stands in brackets: an opening bracket is an atom's octet by the grammar. */
function itemName(cursor: Cursor): string {
  const { bytes, at } = cursor;
  const stop = runEnd(cursor, classAtom);
  let end = at;
  while (end < stop && bytes[end] !== bracketOpen) end++;
  cursor.at = end;
  return bytes.toString('latin1', at, end).toUpperCase();
}

function parseSectioned(cursor: Cursor, name: string): FetchItem | undefined {
  switch (name) {
    case 'BODY':
    case 'BODY.PEEK': {
      const section = parseSection(cursor);
      if (section === undefined) return undefined;
      const label = `BODY${sectionLabel(section)}`;
      return parsePartialOf(cursor, sectionItem('SECTION', label, section, name === 'BODY'));
    }
    case 'BINARY':
    case 'BINARY.PEEK':
    case 'BINARY.SIZE': {
      const part = parseBinarySection(cursor);
      if (part === undefined) return undefined;
      const section: Section = { ...wholeMessage, part };
      if (name === 'BINARY.SIZE') {
        return sectionItem(name, `BINARY.SIZE[${part}]`, section, false);
      }
      const marksSeen = name === 'BINARY';
      return parsePartialOf(cursor, sectionItem('BINARY', `BINARY[${part}]`, section, marksSeen));
    }
    default:
      return fail(cursor, 'Unknown FETCH item');
  }
}

function parsePartialOf(cursor: Cursor, item: FetchItem): FetchItem | undefined {
  const partial = parsePartial(cursor);
  if (partial === undefined) return undefined;
  if (partial === null) return item;
  return { ...item, ...partial, label: `${item.label}<${partial.offset}>` };
}

/** RFC 8970 §3.1: `PREVIEW`, `PREVIEW (LAZY)`. */
function parsePreview(cursor: Cursor): FetchItem | undefined {
  const item = plainItem('PREVIEW');
  if (cursor.peek() !== space || cursor.peekSecond() !== parenOpen) return item;
  // Behind the items' list, modifiers of FETCH may stand there instead: only LAZY is PREVIEW's.
  const from = cursor.at;
  cursor.at += 2;
  const end = runEnd(cursor, classAtom);
  const word = cursor.bytes.toString('latin1', cursor.at, end).toUpperCase();
  if (word !== 'LAZY') {
    cursor.at = from;
    return item;
  }
  cursor.at = end;
  if (!expectOctet(cursor, parenClose, 'A closing parenthesis is missing')) return undefined;
  return { ...item, isLazy: true };
}

interface Modifiers {
  changedSince: number;
  isVanished: boolean;
  partial: PartialRange | undefined;
}

function parseModifiers(cursor: Cursor, modifiers: Modifiers): boolean {
  cursor.at++;
  do {
    switch (parseName(cursor, 'A modifier')) {
      case 'CHANGEDSINCE':
        if (!expectSpace(cursor)) return false;
        modifiers.changedSince = parseNumber64(cursor);
        if (modifiers.changedSince < 0) return false;
        break;
      case 'VANISHED':
        modifiers.isVanished = true;
        break;
      case 'PARTIAL':
        if (!expectSpace(cursor)) return false;
        modifiers.partial = parsePartialRange(cursor);
        if (modifiers.partial === undefined) return false;
        break;
      default:
        fail(cursor, 'Unknown modifier');
        return false;
    }
  } while (takeOctet(cursor, space));
  return expectOctet(cursor, parenClose, 'A closing parenthesis is missing');
}
