/**
 * Rights of access lists as bits, and as the letters clients know.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 4314 §2.1 (rights), §2.1.1 (the letters of RFC 2086: `c` and `d`), §2.2 (RIGHTS=).
 * Invariant: a mask written as letters and read again is the same mask.
 */

/** By bit number. */
const letters = 'lrswipkxtea';

export const rights = {
  /** Seen by LIST; whoever lacks it does not learn that the mailbox exists. */
  lookup: 1,
  read: 2,
  /** \Seen is kept for the reader. */
  seen: 4,
  /** Flags but \Seen and \Deleted. */
  write: 8,
  insert: 16,
  post: 32,
  /** Mailboxes may be made below it. */
  create: 64,
  deleteMailbox: 128,
  /** \Deleted. */
  deleteMessages: 256,
  expunge: 512,
  administer: 1_024,
} as const;

export const allRights = (1 << letters.length) - 1;
export const noRights = 0;

/** RFC 4314 §5.2: with none of these a mailbox is read-only. */
export const changing =
  rights.insert | rights.expunge | rights.seen | rights.write | rights.deleteMessages;

/** Those that RFC 2086 did not know (RFC 4314 §2.2). */
export const rightsCapability = 'RIGHTS=kxte';

/** RFC 4314 §2.1.1: `c` stands for `k` here, `d` for the three that delete. */
const create = rights.create;
const remove = rights.deleteMailbox | rights.deleteMessages | rights.expunge;

/** Undefined where a letter names no right. */
export function rightsOf(text: string): number | undefined {
  let mask = 0;
  for (const letter of text) {
    const bit = letters.indexOf(letter);
    if (bit >= 0) mask |= 1 << bit;
    else if (letter === 'c') mask |= create;
    else if (letter === 'd') mask |= remove;
    else return undefined;
  }
  return mask;
}

/** With `c` and `d` where what they stand for is there in part: clients of RFC 2086 look for them (RFC 4314 §2.1.1). */
export function rightsText(mask: number): string {
  let text = '';
  for (let bit = 0; bit < letters.length; bit++) if ((mask >> bit) & 1) text += letters[bit]!;
  if ((mask & create) !== 0) text += 'c';
  if ((mask & remove) !== 0) text += 'd';
  return text;
}

/** Each right by itself, as LISTRIGHTS tells those that may be given one by one. */
export const singleRights: readonly string[] = [...letters, 'c', 'd'];

/** Bits by place in `systemFlags` that the rights let be changed. */
export function flagsAllowed(had: number): number {
  const { seen, write, deleteMessages } = rights;
  let flags = 0;
  if ((had & seen) !== 0) flags |= 0b0_0001;
  if ((had & write) !== 0) flags |= 0b1_0110;
  if ((had & deleteMessages) !== 0) flags |= 0b0_1000;
  return flags;
}
