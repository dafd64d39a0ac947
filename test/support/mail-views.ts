/**
 * Names and flags of mailboxes that accounts share, as each of them has them.
 *
 * In a ledger a mailbox is named by its owner (`ann@local.test/Plans`), and \Seen of a reader who is not the owner is a
 * flag `seen:` with the reader's address.
 *
 * Runs in: crash runs and simulations.
 * Specs:   RFC 4314 §4 (COPY), RFC 9051 §2.3.2 (\Seen may be each reader's own).
 */

import type { FoundMailbox } from './mail-ledger.ts';

const others = 'Other Users/';
const seen = '\\Seen';

export function ownerIn(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

/** As `viewer` says it to a server. */
export function wireName(viewer: string, name: string): string {
  return ownerIn(name) === viewer ? name.slice(viewer.length + 1) : others + name;
}

export function ledgerName(viewer: string, wire: string): string {
  return wire.startsWith(others) ? wire.slice(others.length) : `${viewer}/${wire}`;
}

function seenOf(viewer: string, name: string): string {
  return ownerIn(name) === viewer ? seen : `seen:${viewer}`;
}

function isPrivate(flag: string): boolean {
  return flag === seen || flag.startsWith('seen:');
}

function sorted(flags: Iterable<string>): string {
  return [...new Set(flags)].sort().join(' ');
}

function split(flags: string): string[] {
  return flags.split(' ').filter((flag) => flag !== '');
}

/** Of a message that `viewer` appends with these. */
export function flagsGiven(viewer: string, name: string, flags: readonly string[]): string {
  return sorted(flags.map((flag) => (flag === seen ? seenOf(viewer, name) : flag)));
}

/** After `viewer` said STORE of one flag; `sign` as in FLAGS, +FLAGS and -FLAGS. */
export function flagsStored(
  viewer: string,
  name: string,
  flags: string,
  sign: string,
  flag: string,
): string {
  const own = seenOf(viewer, name);
  const meant = flag === seen ? own : flag;
  const had = split(flags);
  if (sign === '+') return sorted([...had, meant]);
  if (sign === '-') return sorted(had.filter((one) => one !== meant));
  return sorted([...had.filter((one) => isPrivate(one) && one !== own), meant]);
}

/**
 * Of a copy that `viewer` made: within an account the owner's \Seen goes along, and a reader's own; between two, the
 * reader's own becomes what the reader has seen there.
 */
export function flagsCopied(viewer: string, from: string, to: string, flags: string): string {
  const own = seenOf(viewer, from);
  const kept = split(flags).filter((flag) => !isPrivate(flag));
  const had = split(flags).filter(isPrivate);
  const isWithin = ownerIn(from) === ownerIn(to);
  const along = isWithin ? had.filter((flag) => flag === seen || flag === own) : [];
  const carried = !isWithin && had.includes(own) ? [seenOf(viewer, to)] : [];
  return sorted([...kept, ...along, ...carried]);
}

export interface ViewersLook {
  readonly viewer: string;
  /** By the names a server says. */
  readonly found: readonly FoundMailbox[];
}

/** One account of all mailboxes, and where readers saw something else than owners. */
export function merged(looks: readonly ViewersLook[]): {
  readonly found: FoundMailbox[];
  readonly faults: string[];
} {
  const faults: string[] = [];
  const found = new Map<string, FoundMailbox>();
  for (const { viewer, found: own } of looks) {
    for (const box of own) {
      const name = ledgerName(viewer, box.name);
      if (ownerIn(name) === viewer) found.set(name, { ...box, name });
    }
  }
  for (const { viewer, found: all } of looks) {
    for (const box of all) {
      const name = ledgerName(viewer, box.name);
      if (ownerIn(name) === viewer) continue;
      const owners = found.get(name);
      if (owners === undefined) faults.push(`${viewer} sees ${name}, and its owner does not`);
      else found.set(name, { ...owners, messages: withSeen(viewer, owners, box, faults) });
    }
  }
  return { found: [...found.values()], faults };
}

function withSeen(
  viewer: string,
  owners: FoundMailbox,
  readers: FoundMailbox,
  faults: string[],
): FoundMailbox['messages'] {
  const told = ({ uidValidity, uidNext, modseq, messages }: FoundMailbox) =>
    [uidValidity, uidNext, modseq, ...messages.map(shared)].join();
  if (told(owners) !== told(readers)) {
    faults.push(`${viewer} sees ${told(readers)} in ${owners.name}, its owner ${told(owners)}`);
    return owners.messages;
  }
  return owners.messages.map((message, i) => {
    const hasSeen = split(readers.messages[i]!.flags).includes(seen);
    const flags = hasSeen ? sorted([...split(message.flags), `seen:${viewer}`]) : message.flags;
    return { ...message, flags };
  });
}

/** What all who may read a message see of it. */
function shared({ uid, text, flags }: FoundMailbox['messages'][number]): string {
  return `${uid} ${text} ${split(flags).filter((flag) => !isPrivate(flag))}`;
}
