/**
 * A mail program that does one random thing after another to messages of its own, in mailboxes it shares with
 * others, and enters in a ledger what it said and what was answered.
 *
 * Runs in:   crash runs and simulations.
 * Specs:     RFC 9051 §6.3-6.4; RFC 4315 (UIDs in answers); RFC 7888 (literals are not waited for).
 * Limits:    at most `copiesMax` copies of its messages and `batchMax` commands in one write.
 */

import type { ImapClient, Outcome } from './imap-client.ts';
import type { Attempt, Box, Copy, MailLedger } from './mail-ledger.ts';
import { uidsOf } from './mail-look.ts';
import { messageOf, textOf, writerOf } from './mail-text.ts';
import { flagsCopied, flagsGiven, flagsStored, ownerIn, wireName } from './mail-views.ts';

const copiesMax = 40;
const batchMax = 3;
const someMax = 4;
const namesMax = 4;
const flagNames = ['$Work', '\\Answered', '\\Deleted', '\\Deleted', '\\Flagged', '\\Seen'];

export interface WalkParts {
  readonly ledger: MailLedger;
  /** Whose mail program it is: an address. */
  readonly viewer: string;
  /** Its number among those who share the ledger. */
  readonly writer: number;
  readonly chance: () => number;
  /** Names of mailboxes that all use and nobody renames or deletes; of others' accounts too. */
  readonly shared: readonly string[];
  /** One message in so many has more than 256 kB of text; 0: none has. */
  readonly largeEvery: number;
  /** A command was answered NO or BAD: what came of it is not known. */
  readonly refused: (answer: string) => void;
}

/** A command, and what it is to the ledger. */
interface Planned {
  readonly words: readonly (string | Buffer)[];
  readonly attempt: Attempt;
}

export class MailWalk {
  /** What answers were wrong. */
  readonly faults: string[] = [];
  /** Set with each connection. */
  client: ImapClient | undefined;
  readonly #parts: WalkParts;
  #selected = '';
  #messages = 0;
  #mailboxes = 0;

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  get viewer(): string {
    return this.#parts.viewer;
  }

  /** A new connection, logged in. */
  connected(client: ImapClient): void {
    this.client = client;
    this.#selected = '';
  }

  /** Rejects when the connection ends. */
  async step(): Promise<void> {
    await this.#moveAgain();
    const selected = this.#parts.ledger.boxes.get(this.#selected);
    if (selected === undefined || this.#isLikely(0.15)) await this.#select();
    else if (this.#isLikely(0.08)) await this.#changeTree();
    else await this.#batch(selected);
    // Where there was nothing to say, others get their turn all the same.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What stands in both mailboxes since a move was cut off. */
  async #moveAgain(): Promise<void> {
    const { ledger, viewer, writer } = this.#parts;
    for (;;) {
      const at = ledger.halfMoved.findIndex(({ copy }) => writerOf(copy.text) === writer);
      if (at < 0) return;
      const [half] = ledger.halfMoved.splice(at, 1);
      const { copy, target, uid } = half!;
      const flags = [copy.flags];
      const attempt: Attempt = {
        ...{ kind: 'move', copies: [copy], flags, target, isBetween: true, known: [uid] },
      };
      ledger.begin(attempt);
      await this.#selectBox(copy.box);
      const to = wireName(viewer, target.name);
      this.#settle(attempt, await this.client!.run(`UID MOVE ${copy.uid} "${to}"`));
    }
  }

  async #batch(selected: Box): Promise<void> {
    const planned: { readonly plan: Planned; readonly tag: string }[] = [];
    const count = 1 + Math.floor(this.#parts.chance() * batchMax);
    for (let i = 0; i < count; i++) {
      const plan = this.#plan(selected);
      if (plan === undefined) continue;
      this.#parts.ledger.begin(plan.attempt);
      planned.push({ plan, tag: await this.client!.start(...plan.words) });
    }
    for (const { plan, tag } of planned) {
      this.#settle(plan.attempt, await this.client!.outcome(tag));
    }
  }

  #plan(selected: Box): Planned | undefined {
    const own = this.#ownCopies();
    const isMuch = own.length >= copiesMax;
    const kind = this.#parts.chance();
    if (!isMuch && kind < 0.35) return this.#planAppend();
    if (kind < 0.6) return this.#planStore(selected, isMuch);
    if (kind < 0.8) return this.#planExpunge(selected);
    return this.#planCopy(selected, isMuch);
  }

  #planAppend(): Planned | undefined {
    const box = this.#anyBox();
    if (box === undefined) return undefined;
    const { chance, largeEvery, writer } = this.#parts;
    const isLarge = largeEvery > 0 && chance() < 1 / largeEvery;
    const bytes = isLarge ? 300_000 : Math.floor(30 + chance() ** 3 * 6_000);
    const text = textOf(writer, ++this.#messages, bytes);
    const given = [...new Set(flagNames)].filter(() => this.#isLikely(0.2));
    const words = [`APPEND "${this.#wire(box)}" (${given.join(' ')}) `, messageOf(text)];
    const flags = flagsGiven(this.viewer, box.name, given);
    return { words, attempt: { kind: 'append', box, text, flags } };
  }

  #planStore(selected: Box, isMuch: boolean): Planned | undefined {
    const copies = this.#some(selected, () => true);
    if (copies.length === 0) return undefined;
    const flag = isMuch ? '\\Deleted' : this.#oneOf(flagNames);
    const sign = this.#oneOf(isMuch ? ['+'] : ['+', '+', '-', '']);
    const silent = this.#isLikely(0.5) ? '.SILENT' : '';
    const flags = copies.map((copy) =>
      flagsStored(this.viewer, selected.name, copy.flags, sign, flag),
    );
    const words = [`UID STORE ${setOf(copies)} ${sign}FLAGS${silent} (${flag})`];
    return { words, attempt: { kind: 'store', copies, flags } };
  }

  #planExpunge(selected: Box): Planned | undefined {
    const copies = this.#some(selected, ({ flags }) => flags.includes('\\Deleted'));
    if (copies.length === 0) return undefined;
    return { words: [`UID EXPUNGE ${setOf(copies)}`], attempt: { kind: 'expunge', copies } };
  }

  #planCopy(selected: Box, isMuch: boolean): Planned | undefined {
    const copies = this.#some(selected, () => true);
    const target = this.#anyBox();
    if (copies.length === 0 || target === undefined) return undefined;
    const kind = isMuch || this.#isLikely(0.6) ? 'move' : 'copy';
    const words = [`UID ${kind} ${setOf(copies)} "${this.#wire(target)}"`];
    const { name } = selected;
    const flags = copies.map((copy) => flagsCopied(this.viewer, name, target.name, copy.flags));
    const isBetween = ownerIn(name) !== ownerIn(target.name);
    return { words, attempt: { kind, copies, flags, target, isBetween } };
  }

  #settle(attempt: Attempt, { tagged, untagged }: Outcome): void {
    if (tagged.name !== 'OK') {
      this.#parts.refused(`${attempt.kind}: ${tagged.raw}`);
      return;
    }
    const { ledger } = this.#parts;
    const coded = [tagged, ...untagged].find(({ code }) => /^(APPEND|COPY)UID /.test(code));
    const [word, validity, ...sets] = coded?.code.split(' ') ?? [];
    const targets = word === undefined ? [] : uidsOf(sets.at(-1)!);
    this.faults.push(...ledger.done(attempt, targets, Number(validity)));
    if (word === 'COPYUID' && 'copies' in attempt) {
      const named = setOf(attempt.copies);
      if (uidsOf(sets[0]!).join() !== uidsOf(named).join()) {
        this.faults.push(`${named} were named, and ${sets[0]} copied`);
      }
    }
  }

  async #select(): Promise<void> {
    const box = this.#anyBox();
    if (box !== undefined) await this.#selectBox(box);
  }

  async #selectBox(box: Box): Promise<void> {
    const { tagged } = await this.client!.run(`SELECT "${this.#wire(box)}"`);
    if (tagged.name === 'OK') this.#selected = box.name;
    else this.#parts.refused(`select: ${tagged.raw}`);
  }

  /** Makes, renames and deletes mailboxes of its own, none of which is selected meanwhile. */
  async #changeTree(): Promise<void> {
    const { ledger, shared } = this.#parts;
    if (!shared.includes(this.#selected)) {
      await this.client!.ok('UNSELECT');
      this.#selected = '';
    }
    const box = this.#ownBoxes()[0];
    const below = box && ledger.boxes.get(`${box.name}/In`);
    const kind = this.#parts.chance();
    const to = this.#newName();
    if (box === undefined) {
      if (to !== undefined) await this.#create(to);
    } else if (kind < 0.3 && to !== undefined) {
      const from = box.name;
      await this.#tree(`RENAME "${this.#wire(box)}" "${wireName(this.viewer, to)}"`, {
        kind: 'rename',
        from,
        to,
      });
    } else if (below !== undefined && !ledger.isBusy(below)) {
      await this.#tree(`DELETE "${this.#wire(below)}"`, { kind: 'delete', box: below });
    } else if (below === undefined && kind < 0.6 && !ledger.isNameBusy(`${box.name}/In`)) {
      await this.#create(`${box.name}/In`);
    } else if (below === undefined) {
      await this.#tree(`DELETE "${this.#wire(box)}"`, { kind: 'delete', box });
    }
  }

  async #create(name: string): Promise<void> {
    const attempt = this.#parts.ledger.begin({ kind: 'create', name });
    const wire = wireName(this.viewer, name);
    const { tagged } = await this.client!.run(`CREATE "${wire}"`);
    if (tagged.name !== 'OK') {
      this.#parts.refused(`create: ${tagged.raw}`);
      return;
    }
    const { untagged } = await this.client!.ok(`STATUS "${wire}" (UIDVALIDITY)`);
    const items = untagged.find((response) => response.name === 'STATUS')?.values[1];
    const uidValidity = Number((items as readonly unknown[])[1]);
    this.faults.push(...this.#parts.ledger.done(attempt, [], uidValidity));
  }

  async #tree(command: string, attempt: Attempt): Promise<void> {
    this.#parts.ledger.begin(attempt);
    const { tagged } = await this.client!.run(command);
    if (tagged.name !== 'OK') {
      this.#parts.refused(`${attempt.kind}: ${tagged.raw}`);
      return;
    }
    this.faults.push(...this.#parts.ledger.done(attempt));
  }

  /** One of a few names in turn: one that was deleted comes again. Undefined where none is free. */
  #newName(): string | undefined {
    const { ledger, viewer, writer } = this.#parts;
    for (let i = 0; i < namesMax; i++) {
      const name = `${viewer}/Own${writer}-${++this.#mailboxes % namesMax}`;
      if (!ledger.boxes.has(name) && !ledger.isNameBusy(name)) return name;
    }
    return undefined;
  }

  #ownCopies(): Copy[] {
    const { ledger, writer } = this.#parts;
    return [...ledger.boxes.values()].flatMap((box) =>
      [...box.copies.values()].filter(({ text }) => writerOf(text) === writer),
    );
  }

  #some(box: Box, isWanted: (copy: Copy) => boolean): Copy[] {
    const { ledger, writer } = this.#parts;
    const free = [...box.copies.values()]
      .filter((copy) => writerOf(copy.text) === writer && isWanted(copy) && !ledger.isBusy(copy))
      .sort((a, b) => a.uid - b.uid);
    const count = 1 + Math.floor(this.#parts.chance() * someMax);
    const first = Math.floor(this.#parts.chance() * Math.max(1, free.length - count + 1));
    return free.slice(first, first + count);
  }

  /** Top ones that no command is changing. */
  #ownBoxes(): Box[] {
    const { ledger, viewer, writer } = this.#parts;
    const top = new RegExp(`^${viewer}/Own${writer}-\\d+$`);
    return [...ledger.boxes.values()].filter((box) => top.test(box.name) && !ledger.isBusy(box));
  }

  #anyBox(): Box | undefined {
    const { ledger, shared } = this.#parts;
    const names = [...shared];
    for (const { name } of this.#ownBoxes()) names.push(name, `${name}/In`);
    const box = ledger.boxes.get(this.#oneOf(names));
    return box === undefined || ledger.isBusy(box) ? undefined : box;
  }

  #wire(box: Box): string {
    return wireName(this.viewer, box.name);
  }

  #isLikely(share: number): boolean {
    return this.#parts.chance() < share;
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#parts.chance() * all.length)]!;
  }
}

function setOf(copies: readonly Copy[]): string {
  return copies.map(({ uid }) => uid).join(',');
}
