/**
 * FETCH and UID FETCH: asked for window by window, as the client reads.
 *
 * Runs in: edge (main thread).
 * Specs:   RFC 9051 §6.4.5, §6.4.9; RFC 9738 §3.1 (the newest messages alone).
 */

import { fetchItems, type PackedSection } from '../../../../actors/asks/imap-asks.ts';
import type { Failure } from '../../../../base/errors.ts';
import {
  type FetchCommand,
  type FetchItem,
  type FetchKind,
  parseFetch,
  parseUidFetch,
} from '../../../../mail/wire/imap/parse-fetch.ts';
import { answerOf, bad, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, selectedState } from '../command.ts';
import { beginModseqs } from '../condstore.ts';
import { partOfSet } from './fetch-part.ts';
import { fetchAll, tellVanished } from './fetch-windows.ts';
import {
  countMaxOf,
  endLimited,
  isPartTooLarge,
  limitCode,
  newestOf,
  tooMany,
} from './message-limit.ts';
import { setOf } from './sets.ts';

const bits: Readonly<Partial<Record<FetchKind, number>>> = {
  FLAGS: fetchItems.flags,
  UID: fetchItems.uid,
  INTERNALDATE: fetchItems.internalDate,
  'RFC822.SIZE': fetchItems.size,
  ENVELOPE: fetchItems.envelope,
  BODYSTRUCTURE: fetchItems.bodyStructure,
  BODY: fetchItems.body,
  PREVIEW: fetchItems.preview,
  EMAILID: fetchItems.emailId,
  THREADID: fetchItems.threadId,
  MODSEQ: fetchItems.modseq,
  SAVEDATE: fetchItems.saveDate,
};

/** What is wanted, packed; undefined where an item is not known here. */
export function packItems(items: readonly FetchItem[]):
  | {
      readonly bits: number;
      readonly sections: readonly PackedSection[];
      readonly marksSeen: boolean;
    }
  | undefined {
  let mask = 0;
  let marksSeen = false;
  const sections = new Map<string, PackedSection>();
  for (const { kind, label, section, offset, length, marksSeen: marks } of items) {
    const bit = bits[kind];
    if (bit !== undefined) mask |= bit;
    else if (kind === 'SECTION') {
      sections.set(label, [label, section.part, section.text, section.fields, offset, length]);
      marksSeen ||= marks;
    } else if (kind === 'BINARY' || kind === 'BINARY.SIZE') {
      sections.set(label, [label, section.part, kind, [], offset, length]);
      marksSeen ||= marks;
    } else return undefined;
  }
  return { bits: mask, sections: [...sections.values()], marksSeen };
}

async function fetch(
  session: CommandSession,
  command: FetchCommand,
  isUid: boolean,
  tag: string,
): Promise<CommandEnd> {
  const selected = session.selected!;
  const packed = packItems(command.items);
  const { changedSince, isVanished } = command;
  if (packed === undefined) return bad('Unknown FETCH item or modifier');
  if (command.partial !== undefined && !isUid) return bad('PARTIAL is of UID FETCH');
  if (isPartTooLarge(session, command.partial)) return tooMany(limitCode(countMaxOf(session)));
  if (isVanished && !session.isQresync) return bad('QRESYNC is not enabled');
  if (changedSince >= 0 || (packed.bits & fetchItems.modseq) !== 0) beginModseqs(session);
  const items = itemsOf(session, command, packed.bits, isUid);
  const named = setOf(command.set, isUid, selected);
  const untold = isVanished
    ? await tellVanished(session, selected, changedSince, named.set)
    : undefined;
  if (untold !== undefined) return answerOf(untold.code);
  const wanted = await partOfSet(session, tag, command);
  if (wanted !== undefined && 'code' in wanted) return answerOf(wanted.code);
  const limited = await newestOf(session, wanted ?? named, countMaxOf(session), changedSince);
  if ('ok' in limited) return failureEnd(limited);
  const { sections, marksSeen } = packed;
  const asked = { ...limited.asked, items, sections, marksSeen, changedSince };
  const failed = await fetchAll(session, asked);
  return failed === undefined
    ? endLimited(session, ok('FETCH done'), limited.code)
    : failureEnd(failed);
}

function failureEnd({ code }: Failure): CommandEnd {
  if (code === 'argument-invalid') return bad('No such message number');
  // RFC 3516 §4.3.
  if (code === 'message-invalid') return no('Not to be decoded', 'UNKNOWN-CTE');
  return answerOf(code);
}

/** UID where UIDs are spoken of; MODSEQ where it was asked for, and with flags once the client knows it. */
function itemsOf(
  { isCondstore, isQresync, isUidOnly }: CommandSession,
  { changedSince, items }: FetchCommand,
  bits: number,
  isUid: boolean,
): number {
  const mayTellFlags = (bits & fetchItems.flags) !== 0 || items.some(({ marksSeen }) => marksSeen);
  const tellsModseq = changedSince >= 0 || (isCondstore && mayTellFlags);
  // RFC 7162 §3.2.4: who enabled QRESYNC is told the UID with each change; UIDFETCH is of one (RFC 9586 §3.2).
  const tellsUid = !isUidOnly && (isUid || (isQresync && tellsModseq));
  return bits | (tellsUid ? fetchItems.uid : 0) | (tellsModseq ? fetchItems.modseq : 0);
}

export const fetchCommand = {
  name: 'FETCH',
  states: selectedState,
  keepsNumbers: true,
  namesNumbers: true,
  parse: parseFetch,
  run: (session, command, tag) => fetch(session, command, false, tag),
} as const satisfies ImapCommand<FetchCommand>;

export const uidFetchCommand = {
  name: 'UID FETCH',
  states: selectedState,
  parse: parseUidFetch,
  run: (session, command, tag) => fetch(session, command, true, tag),
} as const satisfies ImapCommand<FetchCommand>;
