/**
 * What clients know of an account's mail from answers alone, and whether what is found later agrees.
 *
 * A command that was said and not answered is an open attempt: `check` lets it be done or not, but in whole where
 * the protocol says so, and settles it by what is found.
 *
 * Runs in:   crash runs and simulations.
 * Specs:     RFC 9051 §2.3.1 (UIDs, UIDVALIDITY), §6.4.7-8 (COPY whole or not, MOVE never both); RFC 7162 §3.1.2.
 * Invariant: a copy is in one open attempt at most: who begins one asks `isBusy` first.
 */

export interface FoundMessage {
  readonly uid: number;
  /** What tells it from others: see `textOf` in mail-text.ts. */
  readonly text: string;
  /** Sorted, a space between. */
  readonly flags: string;
}

export interface FoundMailbox {
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly modseq: number;
  readonly messages: readonly FoundMessage[];
}

export interface Copy {
  readonly box: Box;
  readonly uid: number;
  readonly text: string;
  flags: string;
}

export interface Box {
  name: string;
  readonly uidValidity: number;
  /** As last found: neither may be lower later. */
  uidNext: number;
  modseq: number;
  readonly copies: Map<number, Copy>;
  /** UIDs whose message is gone, for ever. */
  readonly gone: Set<number>;
}

export type Attempt =
  | { readonly kind: 'append'; readonly box: Box; readonly text: string; readonly flags: string }
  /** `flags`: what each has afterwards. */
  | { readonly kind: 'store'; readonly copies: readonly Copy[]; readonly flags: readonly string[] }
  /** `flags`: what each has there. */
  | {
      readonly kind: 'copy' | 'move';
      readonly copies: readonly Copy[];
      readonly flags: readonly string[];
      readonly target: Box;
      /** Another account's: cut off, a message may stand in both (RFC 9051 §6.4.8), till it is moved again. */
      readonly isBetween?: boolean;
      /** They are there already, as these. */
      readonly known?: readonly number[];
    }
  | { readonly kind: 'expunge'; readonly copies: readonly Copy[] }
  | { readonly kind: 'create'; readonly name: string }
  | { readonly kind: 'delete'; readonly box: Box }
  /** With all below it. */
  | { readonly kind: 'rename'; readonly from: string; readonly to: string };

/** It stands in both mailboxes: moved again, it must be the one that is there. */
export interface HalfMove {
  readonly copy: Copy;
  readonly target: Box;
  readonly uid: number;
}

/** A message that an open attempt may have brought into a mailbox. */
interface Arrival {
  readonly attempt: Attempt;
  readonly text: string;
  readonly flags: string;
  /** Where it came from. */
  readonly source?: Copy;
  /** 0: not found. */
  uid: number;
}

/** Found, and known from no answer. */
interface Stranger {
  readonly box: Box;
  readonly message: FoundMessage;
}

export class MailLedger {
  /** By name. */
  readonly boxes = new Map<string, Box>();
  /** Found at a check; who moved them moves them again before anything else. */
  halfMoved: HalfMove[] = [];
  readonly #open = new Set<Attempt>();
  /** Of mailboxes that are gone, by name: none may be used again for it. */
  readonly #pastValidities = new Map<string, Set<number>>();
  answered = 0;
  unanswered = 0;

  /** Takes what is there for granted: before anything was done. */
  adopt(found: readonly FoundMailbox[]): void {
    for (const one of found) {
      const box = this.#addBox(one.name, one.uidValidity);
      for (const { uid, text, flags } of one.messages) this.#add(box, uid, text, flags);
    }
  }

  begin(attempt: Attempt): Attempt {
    this.#open.add(attempt);
    return attempt;
  }

  isBusy(what: Copy | Box): boolean {
    for (const attempt of this.#open) {
      if ('copies' in what ? touchesBox(attempt, what) : touchesCopy(attempt, what)) return true;
    }
    return false;
  }

  /** It waits to be moved again. */
  isHalfMoved(copy: Copy): boolean {
    return this.halfMoved.some(
      (half) => half.copy === copy || (half.target === copy.box && half.uid === copy.uid),
    );
  }

  /** A mailbox of this name may be under way. */
  isNameBusy(name: string): boolean {
    return [...this.#open].some(
      (attempt) =>
        (attempt.kind === 'create' && attempt.name === name) ||
        (attempt.kind === 'rename' && isAtOrBelow(name, attempt.to)),
    );
  }

  /** It was answered OK; `uids` are those the answer gave, in its order. Returns what is wrong with the answer. */
  done(attempt: Attempt, uids: readonly number[] = [], uidValidity = 0): string[] {
    this.#open.delete(attempt);
    this.answered++;
    if (attempt.kind === 'append') {
      return this.#arrivals(attempt.box, [attempt], uids, uidValidity);
    }
    if (attempt.kind === 'copy' || attempt.kind === 'move') {
      const { target, copies, flags, known } = attempt;
      const arrived = copies.map(({ text }, i) => ({ text, flags: flags[i]! }));
      const faults =
        known === undefined
          ? this.#arrivals(target, arrived, uids, uidValidity)
          : again(attempt, uids);
      if (attempt.kind === 'move') for (const copy of attempt.copies) this.#drop(copy);
      return faults;
    }
    if (attempt.kind === 'store') {
      attempt.copies.forEach((copy, i) => {
        copy.flags = attempt.flags[i]!;
      });
    } else if (attempt.kind === 'expunge') {
      for (const copy of attempt.copies) this.#drop(copy);
    } else if (attempt.kind === 'create') return this.#created(attempt.name, uidValidity);
    else if (attempt.kind === 'delete') this.#dropBox(attempt.box);
    else if (attempt.kind === 'rename') this.#rename(attempt.from, attempt.to);
    return [];
  }

  /** Compares; afterwards nothing is open. */
  check(found: readonly FoundMailbox[]): string[] {
    const faults: string[] = [];
    const byName = new Map(found.map((one) => [one.name, one]));
    this.unanswered += this.#open.size;
    for (const attempt of this.#open) this.#settleTree(attempt, byName, faults);
    const arrivals = [...this.#open].flatMap(arrivalsOf);
    const missing = new Set<Copy>();
    const strangers: Stranger[] = [];
    for (const one of found) {
      const box = this.boxes.get(one.name);
      if (box === undefined) faults.push(`${one.name} is there, and nobody made it`);
      else faults.push(...this.#checkBox(box, one, strangers, missing));
    }
    for (const stranger of strangers) faults.push(...this.#admit(stranger, arrivals, missing));
    for (const box of [...this.boxes.values()]) {
      if (byName.has(box.name)) continue;
      faults.push(`${box.name} is missing`);
      this.#dropBox(box);
    }
    const halves = [...this.halfMoved, ...halfMoves(this.#open, arrivals)];
    // A mailbox that is gone took what was in it along.
    this.halfMoved = halves.filter(
      ({ copy }) => !missing.has(copy) && this.boxes.get(copy.box.name) === copy.box,
    );
    faults.push(...wholeness(this.#open, arrivals, missing));
    for (const copy of missing) this.#drop(copy);
    this.#open.clear();
    return faults;
  }

  #checkBox(box: Box, found: FoundMailbox, strangers: Stranger[], missing: Set<Copy>): string[] {
    const faults: string[] = [];
    const { name, uidValidity, uidNext, modseq } = found;
    if (uidValidity !== box.uidValidity) {
      faults.push(`${name} had UIDVALIDITY ${box.uidValidity} and has ${uidValidity}`);
    }
    const floor = Math.max(box.uidNext, ...[...box.copies.keys(), ...box.gone].map((u) => u + 1));
    if (uidNext < floor) faults.push(`${name} had UIDNEXT ${floor} and has ${uidNext}`);
    if (modseq < box.modseq) faults.push(`${name} had modseq ${box.modseq} and has ${modseq}`);
    const seen = new Set<number>();
    for (const message of found.messages) {
      if (seen.has(message.uid)) faults.push(`${name} has UID ${message.uid} twice`);
      seen.add(message.uid);
      faults.push(...this.#checkMessage(box, message, strangers));
    }
    for (const copy of box.copies.values()) {
      if (seen.has(copy.uid)) continue;
      missing.add(copy);
      if (![...this.#open].some((attempt) => mayRemove(attempt, copy))) {
        faults.push(`${copy.text} is missing, UID ${copy.uid} of ${name}`);
      }
    }
    box.uidNext = Math.max(box.uidNext, uidNext);
    box.modseq = modseq;
    return faults;
  }

  #checkMessage(box: Box, message: FoundMessage, strangers: Stranger[]): string[] {
    const { uid, text, flags } = message;
    const where = `UID ${uid} of ${box.name}`;
    const copy = box.copies.get(uid);
    if (copy !== undefined) {
      if (copy.text !== text) return [`${where} was ${copy.text} and is ${text}`];
      const allowed = [copy.flags, ...[...this.#open].flatMap((one) => flagsAfter(one, copy))];
      const known = copy.flags;
      copy.flags = flags;
      return allowed.includes(flags) ? [] : [`${where} had "${known}" and has "${flags}"`];
    }
    if (box.gone.has(uid)) return [`${where} is back: ${text}`];
    this.#add(box, uid, text, flags);
    strangers.push({ box, message });
    return [];
  }

  /** One that no answer told of: some attempt brought it. Of several, that which explains most. */
  #admit(
    { box, message }: Stranger,
    arrivals: readonly Arrival[],
    missing: ReadonlySet<Copy>,
  ): string[] {
    const { uid, text, flags } = message;
    const where = `UID ${uid} of ${box.name}`;
    const [arrival] = arrivals
      .filter((one) => one.uid === 0 && targetOf(one.attempt) === box && one.text === text)
      .sort((a, b) => doubts(a, flags, missing) - doubts(b, flags, missing));
    if (arrival === undefined) return [`${where} is ${text}, and nobody put it there`];
    arrival.uid = uid;
    return arrival.flags === flags ? [] : [`${where} came with "${flags}", not "${arrival.flags}"`];
  }

  #settleTree(attempt: Attempt, found: ReadonlyMap<string, FoundMailbox>, faults: string[]): void {
    if (attempt.kind === 'create') {
      const made = found.get(attempt.name);
      if (made !== undefined) faults.push(...this.#created(attempt.name, made.uidValidity));
    } else if (attempt.kind === 'delete') {
      if (!found.has(attempt.box.name)) this.#dropBox(attempt.box);
    } else if (attempt.kind === 'rename' && found.has(attempt.to)) {
      this.#rename(attempt.from, attempt.to);
    }
  }

  #arrivals(
    box: Box,
    messages: readonly { readonly text: string; readonly flags: string }[],
    uids: readonly number[],
    uidValidity: number,
  ): string[] {
    const faults: string[] = [];
    if (uidValidity !== box.uidValidity) {
      faults.push(`${box.name} has UIDVALIDITY ${box.uidValidity}, an answer says ${uidValidity}`);
    }
    if (uids.length !== messages.length) {
      faults.push(`${messages.length} messages came into ${box.name}, and UIDs ${uids.join(' ')}`);
    }
    messages.forEach(({ text, flags }, i) => {
      const uid = uids[i];
      if (uid === undefined) return;
      if (uid < box.uidNext || box.copies.has(uid) || box.gone.has(uid)) {
        faults.push(`UID ${uid} of ${box.name} is given out again`);
      }
      if (i > 0 && uid <= uids[i - 1]!) faults.push(`UIDs fall in ${box.name}: ${uids.join(' ')}`);
      this.#add(box, uid, text, flags);
    });
    return faults;
  }

  #created(name: string, uidValidity: number): string[] {
    const past = this.#pastValidities.get(name);
    this.#addBox(name, uidValidity);
    return past?.has(uidValidity) ? [`${name} has its old UIDVALIDITY ${uidValidity}`] : [];
  }

  #addBox(name: string, uidValidity: number): Box {
    const box: Box = {
      ...{ name, uidValidity, uidNext: 0, modseq: 0 },
      ...{ copies: new Map(), gone: new Set() },
    };
    this.boxes.set(name, box);
    return box;
  }

  #add(box: Box, uid: number, text: string, flags: string): void {
    box.copies.set(uid, { box, uid, text, flags });
  }

  #drop(copy: Copy): void {
    copy.box.copies.delete(copy.uid);
    copy.box.gone.add(copy.uid);
  }

  #dropBox(box: Box): void {
    this.boxes.delete(box.name);
    this.#retire(box);
    // What was on its way into it went with it.
    for (const attempt of this.#open) if (targetOf(attempt) === box) this.#open.delete(attempt);
  }

  #retire({ name, uidValidity }: Box): void {
    const past = this.#pastValidities.get(name) ?? new Set();
    this.#pastValidities.set(name, past.add(uidValidity));
  }

  #rename(from: string, to: string): void {
    for (const box of [...this.boxes.values()].filter(({ name }) => isAtOrBelow(name, from))) {
      this.boxes.delete(box.name);
      this.#retire(box);
      box.name = to + box.name.slice(from.length);
      this.boxes.set(box.name, box);
    }
  }
}

function isAtOrBelow(name: string, top: string): boolean {
  return name === top || name.startsWith(`${top}/`);
}

function targetOf(attempt: Attempt): Box | undefined {
  if (attempt.kind === 'append') return attempt.box;
  return attempt.kind === 'copy' || attempt.kind === 'move' ? attempt.target : undefined;
}

function copiesOf(attempt: Attempt): readonly Copy[] {
  return 'copies' in attempt ? attempt.copies : [];
}

function touchesCopy(attempt: Attempt, copy: Copy): boolean {
  if (attempt.kind === 'move' && attempt.target === copy.box) {
    if (attempt.known?.includes(copy.uid)) return true;
  }
  return copiesOf(attempt).includes(copy) || touchesBox(attempt, copy.box);
}

function touchesBox(attempt: Attempt, box: Box): boolean {
  if (attempt.kind === 'delete') return attempt.box === box;
  return attempt.kind === 'rename' && isAtOrBelow(box.name, attempt.from);
}

function mayRemove(attempt: Attempt, copy: Copy): boolean {
  if (attempt.kind === 'delete') return attempt.box === copy.box;
  return ['expunge', 'move'].includes(attempt.kind) && copiesOf(attempt).includes(copy);
}

function flagsAfter(attempt: Attempt, copy: Copy): string[] {
  if (attempt.kind !== 'store') return [];
  const at = attempt.copies.indexOf(copy);
  return at < 0 ? [] : [attempt.flags[at]!];
}

function arrivalsOf(attempt: Attempt): Arrival[] {
  if (attempt.kind === 'append') {
    const { text, flags } = attempt;
    return [{ attempt, text, flags, uid: 0 }];
  }
  if ((attempt.kind !== 'copy' && attempt.kind !== 'move') || attempt.known !== undefined)
    return [];
  return attempt.copies.map((source, i) => {
    return { attempt, text: source.text, flags: attempt.flags[i]!, source, uid: 0 };
  });
}

/** What a move said again came to: nothing new. */
function again(attempt: Extract<Attempt, { target: Box }>, uids: readonly number[]): string[] {
  const { copies, target, known = [] } = attempt;
  if (uids.join() === known.join()) return [];
  const texts = copies.map(({ text }) => text).join(' ');
  return [`${texts} moved again to ${target.name} is UID ${uids}, and was there as ${known}`];
}

/** What speaks against this attempt having brought a message with these flags. */
function doubts(
  { attempt, source, flags }: Arrival,
  found: string,
  missing: ReadonlySet<Copy>,
): number {
  const hasStayed = attempt.kind === 'move' && source !== undefined && !missing.has(source);
  // Between accounts it may have stayed (RFC 9051 §6.4.8), but need not.
  return (flags === found ? 0 : 4) + (hasStayed ? (attempt.isBetween === true ? 1 : 2) : 0);
}

function halfMoves(open: ReadonlySet<Attempt>, arrivals: readonly Arrival[]): HalfMove[] {
  const halves: HalfMove[] = [];
  for (const attempt of open) {
    if (attempt.kind !== 'move' || attempt.isBetween !== true) continue;
    const { target, copies, known } = attempt;
    for (const [i, copy] of copies.entries()) {
      const arrival = arrivals.find((one) => one.attempt === attempt && one.source === copy);
      const uid = known?.[i] ?? arrival?.uid ?? 0;
      if (uid > 0) halves.push({ copy, target, uid });
    }
  }
  return halves;
}

/** A COPY is done whole or not at all; a message that is moved within an account is in one place. */
function wholeness(
  open: ReadonlySet<Attempt>,
  arrivals: readonly Arrival[],
  missing: ReadonlySet<Copy>,
): string[] {
  const faults: string[] = [];
  for (const attempt of open) {
    const own = arrivals.filter((one) => one.attempt === attempt);
    const came = own.filter(({ uid }) => uid > 0).length;
    if (attempt.kind === 'copy' && came > 0 && came < own.length) {
      faults.push(`a COPY to ${attempt.target.name} is half done: ${came} of ${own.length}`);
    }
    if (attempt.kind !== 'move') continue;
    for (const { source, uid, text } of own) {
      const isGone = missing.has(source!);
      // A MOVE that was refused stays open, and its mailbox may be deleted after it.
      const isElse = [...open].some((other) => other !== attempt && mayRemove(other, source!));
      if (isGone && uid === 0 && !isElse) faults.push(`${text} was lost while it moved`);
      if (attempt.isBetween === true) continue;
      if (!isGone && uid > 0) faults.push(`${text} was moved, and stayed as well`);
    }
  }
  return faults;
}
