/**
 * The places of a message's parts as a flat table, by the section numbers that FETCH uses.
 *
 * Runs in:   engine threads; pure. The table is plain data and fits into a row of the index.
 * Specs:     RFC 3501 §6.4.5 and RFC 9051 §6.4.5.1 (section specifiers).
 */

import type { MessagePart, Part } from './structure.ts';

/** Offsets are of the whole message. */
export interface PartPlace {
  /** "" is the message itself; `1`, `2.1`… its parts. */
  readonly section: string;
  /** The part's own header is `headerStart` to `bodyStart`: `BODY[n.MIME]`; for "", `BODY[HEADER]`. */
  readonly headerStart: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** Transfer encoding, in lower case: for BINARY. */
  readonly encoding: string;
  /**
   * For an enclosed message, where its body starts: `BODY[n.HEADER]` is `bodyStart` to here, `BODY[n.TEXT]` from
   * here to `bodyEnd`; else -1.
   */
  readonly textStart: number;
}

export function partTable(message: MessagePart): readonly PartPlace[] {
  const { root } = message;
  const places: PartPlace[] = [{ ...placeOf(root, ''), textStart: root.bodyStart }];
  addMessage(message, '', places);
  return places;
}

/** A message that is no multipart has one part, number 1, whose header is the message's. */
function addMessage({ root }: MessagePart, prefix: string, places: PartPlace[]): void {
  if (root.type === 'multipart') addChildren(root, prefix, places);
  else addPart(root, `${prefix}1`, places);
}

function addChildren(part: Part, prefix: string, places: PartPlace[]): void {
  part.children.forEach((child, i) => {
    addPart(child, `${prefix}${i + 1}`, places);
  });
}

function addPart(part: Part, section: string, places: PartPlace[]): void {
  places.push(placeOf(part, section));
  if (part.message !== undefined) addMessage(part.message, `${section}.`, places);
  else if (part.type === 'multipart') addChildren(part, `${section}.`, places);
}

function placeOf(part: Part, section: string): PartPlace {
  const { headerStart, bodyStart, bodyEnd, encoding } = part;
  const textStart = part.message?.root.bodyStart ?? -1;
  return { section, headerStart, bodyStart, bodyEnd, encoding, textStart };
}
