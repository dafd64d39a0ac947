/**
 * Learns from what people do with their mail: into Junk is spam, out of it is not. What was learnt is one account's own.
 *
 * Runs in:   the engine thread that owns the shard; lessons wait until the answer to who moved is on its way.
 * Limits:    `lessonsPerAct` of one command, `waitingMax` waiting, `waitingPerAccountMax` of them of one account, one in
 *            `pauseMs`, `lessonsPerDay` of an account; it keeps `examplesMax` of each kind. What is over is not learnt.
 *            Models are in the memory that all shards of the thread share.
 * Invariant: a message teaches one thing, what was said of it last. A lesson is one record: killed before it, nothing
 *            was learnt. Mail that the server files by itself teaches nothing.
 */

import type { TaughtSpam, TenantTaught } from '../../../actors/asks/quarantine-asks.ts';
import type { TenantId } from '../../../base/ids.ts';
import {
  type Example,
  examplesMax,
  type PersonalModel,
  personalModel,
  personalPoints,
  placesOf,
} from '../../../mail/trust/spam/personal.ts';
import { readForSpam } from '../../../mail/trust/spam/reading.ts';
import type { Clock } from '../../../ports/clock.ts';
import { accountRange, lastU32, lessonKey, tables } from '../../store/keys.ts';
import { inboxMailbox } from '../account-actor.ts';
import { DerivedMap } from '../derived-memory.ts';
import type { FilingWatch, FlagsChanged } from '../filing-watch.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { decodeLesson, encodeLesson, type Lesson, type LessonKind } from '../rows/lesson-row.ts';
import type { Owner } from '../tree.ts';
import { LessonBudget } from './lesson-budget.ts';
import { kindOfFiling, kindOfFlags } from './meanings.ts';
import { learntDraft } from './records.ts';
import { teachersOf } from './teachers.ts';
import { TenantLessons } from './tenant-lessons.ts';

const lessonsPerAct = 16;
const waitingMax = 1_000;
/** As many as an account keeps: others learn meanwhile. */
const waitingPerAccountMax = 2 * examplesMax;
const pauseMs = 20;
/** Read mail in INBOX stands for ham, so many for each spam. */
const impliedPerSpam = 2;
const inboxLookedAt = 100;
const textBytesMax = 131_072;
/** Of a shard; then they are found out anew. */
const untaughtMax = 16_384;
/** Of a place and its weight. */
const bytesPerPlace = 8;
const overheadBytes = 512;

export interface LessonsParts {
  readonly shard: MailboxShard;
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  /** Accounts of a tenant teach each other. */
  readonly isShared?: boolean;
}

interface Waiting extends Owner {
  readonly document: number;
  readonly kind: LessonKind;
}

export class Lessons implements FilingWatch {
  readonly #parts: LessonsParts;
  readonly #models: DerivedMap<{ readonly model: PersonalModel | undefined }>;
  readonly #waiting: Waiting[] = [];
  /** Accounts that taught nothing: most of them, asked about at each delivery. */
  readonly #untaught = new Set<number>();
  /** Undefined: what an account teaches is for itself alone. */
  readonly #tenants: TenantLessons | undefined;
  readonly #budget = new LessonBudget();
  #isLearning = false;
  #isClosed = false;

  constructor(parts: LessonsParts) {
    this.#parts = parts;
    this.#models = new DerivedMap(parts.mailboxes.derived);
    if (parts.isShared === true) this.#tenants = new TenantLessons(parts);
  }

  filed(owner: Owner, from: number, target: number, uids: readonly number[]): void {
    const names = this.#parts.mailboxes.names.of(owner.account);
    const kind = kindOfFiling(names.get(from)?.role ?? '', names.get(target)?.role ?? '');
    if (kind !== undefined) this.#note(owner, target, uids, kind);
  }

  flagged(
    owner: Owner,
    mailbox: number,
    uids: readonly number[],
    changes: readonly FlagsChanged[],
  ): void {
    const set = changes.filter(({ op }) => op !== 'remove').flatMap(({ flags }) => flags);
    const keywords = set.filter((flag) => !flag.startsWith('\\'));
    const isAnswered = set.includes('\\Answered');
    if (keywords.length === 0 && !isAnswered) return;
    const role = this.#parts.mailboxes.names.of(owner.account).get(mailbox)?.role ?? '';
    const kind = kindOfFlags(role, keywords, isAnswered);
    if (kind !== undefined) this.#note(owner, mailbox, uids, kind);
  }

  /** Whether the account has a model of its own, or its tenant one. */
  has(account: number, tenant: number): boolean {
    return this.#model(account) !== undefined || this.#tenants?.has(tenant) === true;
  }

  /** To be added to the points of a message; 0 where nothing was learnt. */
  points(account: number, tenant: number, text: Uint8Array): { own: number; tenant: number } {
    const reading = readForSpam(text);
    const model = this.#model(account);
    return {
      own: model === undefined ? 0 : personalPoints(model, reading),
      tenant: this.#tenants?.points(tenant, reading) ?? 0,
    };
  }

  /** Called often. */
  sweep(): void {
    this.#tenants?.sweep();
  }

  taught(account: number): TaughtSpam {
    const kinds = this.#lessons(account).map(([, { kind }]) => kind);
    const spam = kinds.filter((kind) => kind === 'spam').length;
    return { spam, ham: kinds.length - spam };
  }

  /** All the account taught. On disk when it resolves. */
  async forget({ account, tenant }: Owner): Promise<void> {
    await this.#parts.mailboxes.decide(account, tenant, (actor) => {
      const record = { account, modseq: actor.nextModseq(), lessons: [], isAnew: true };
      return { drafts: [learntDraft(tenant, record)], mailboxes: [], value: undefined };
    });
    this.#changed(account);
  }

  /** How many accounts of this shard taught, and of what their tenant's model is made. */
  async tenantTaught(tenant: number): Promise<TenantTaught> {
    let accounts = 0;
    for await (const page of teachersOf(this.#parts.shard)) {
      accounts += page.filter((teacher) => teacher.tenant === tenant).length;
    }
    return { accounts, ...(this.#tenants?.examples(tenant) ?? { spam: 0, ham: 0 }) };
  }

  /** All that accounts of this shard taught. On disk when it resolves; killed before, some may not have forgotten. */
  async forgetTenant(tenant: TenantId): Promise<void> {
    for await (const page of teachersOf(this.#parts.shard)) {
      for (const { account, tenant: of } of page) {
        if (of === tenant) await this.forget({ account, tenant });
      }
    }
    this.#tenants?.forget(tenant);
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#models.close();
    this.#tenants?.close();
  }

  /** `uids`: first and last, and so on: the newest teach. */
  #note(owner: Owner, mailbox: number, uids: readonly number[], kind: LessonKind): void {
    for (const uid of lastOf(uids, lessonsPerAct)) {
      const document = this.#documentAt(owner.account, mailbox, uid);
      if (document !== undefined) this.#wait({ ...owner, document, kind });
    }
    if (!this.#isLearning && this.#waiting.length > 0) {
      this.#isLearning = true;
      void this.#learnAll();
    }
  }

  /** What is said of a message that waits goes for what was said before. */
  #wait(lesson: Waiting): void {
    const { account, document } = lesson;
    const own = this.#waiting.filter((one) => one.account === account);
    const before = own.find((one) => one.document === document);
    if (before !== undefined) this.#waiting.splice(this.#waiting.indexOf(before), 1);
    else if (own.length >= waitingPerAccountMax || this.#waiting.length >= waitingMax) return;
    this.#waiting.push(lesson);
  }

  async #learnAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      await new Promise((resolve) => void this.#parts.clock.setTimer(pauseMs, () => resolve(0)));
      const one = this.#waiting.shift();
      if (one === undefined) break;
      // A message that cannot be read, or a shard that cannot be written to: it is not learnt.
      await this.#learn(one).catch(() => {});
    }
    this.#isLearning = false;
  }

  async #learn({ account, tenant, document, kind }: Waiting): Promise<void> {
    const known = this.#parts.shard.get(lessonKey(account, document));
    if (known !== undefined && decodeLesson(known).kind === kind) return;
    if (!this.#budget.take(account, this.#parts.clock.nowMs())) return;
    const wanted = [[document, kind] as const];
    if (kind === 'spam') {
      for (const other of this.#impliedHam(account)) wanted.push([other, 'implied']);
    }
    const lessons: (readonly [number, Lesson])[] = [];
    for (const [each, kindOf] of wanted) {
      const lesson = await this.#lessonOf(account, each, kindOf);
      if (lesson !== undefined) lessons.push([each, lesson]);
    }
    if (lessons.length === 0) return;
    await this.#parts.mailboxes.decide(account, tenant, (actor) => {
      const packed = lessons.map(([of, lesson]) => [of, encodeLesson(lesson)] as const);
      const gone = this.#tooMany(account, lessons).map((of) => [of, null] as const);
      const modseq = actor.nextModseq();
      const record = { account, modseq, lessons: [...packed, ...gone], isAnew: false };
      return { drafts: [learntDraft(tenant, record)], mailboxes: [], value: undefined };
    });
    this.#changed(account);
  }

  async #lessonOf(
    account: number,
    document: number,
    kind: LessonKind,
  ): Promise<Lesson | undefined> {
    const { reader } = this.#parts.mailboxes;
    const row = reader.document(account, document);
    if (row === undefined) return undefined;
    const places = placesOf(readForSpam(await reader.bytes(row, textBytesMax)));
    return { kind, atMs: this.#parts.clock.nowMs(), places };
  }

  /** The newest in INBOX that were read and taught nothing yet. */
  #impliedHam(account: number): number[] {
    const { reader } = this.#parts.mailboxes;
    const uidNext = reader.mailbox(account, inboxMailbox)?.uidNext ?? 1;
    const from = Math.max(1, uidNext - inboxLookedAt);
    const read = reader
      .messages(account, inboxMailbox, from, inboxLookedAt)
      .filter(({ flags }) => flags.includes('\\Seen') && !flags.includes('\\Deleted'))
      .filter(({ document }) => this.#parts.shard.get(lessonKey(account, document)) === undefined);
    return read.slice(-impliedPerSpam).map(({ document }) => document);
  }

  /** Those that go for the new ones: of each kind the oldest, what was not said but implied first. */
  #tooMany(account: number, added: readonly (readonly [number, Lesson])[]): number[] {
    const isNew = new Set(added.map(([document]) => document));
    const all = this.#lessons(account).filter(([document]) => !isNew.has(document));
    const gone: number[] = [];
    for (const isSpam of [true, false]) {
      const own = all.filter(([, { kind }]) => (kind === 'spam') === isSpam);
      const more = added.filter(([, { kind }]) => (kind === 'spam') === isSpam).length;
      own.sort(([, a], [, b]) => rankOf(a) - rankOf(b) || a.atMs - b.atMs);
      const over = Math.max(0, own.length + more - examplesMax);
      gone.push(...own.slice(0, over).map(([document]) => document));
    }
    return gone;
  }

  #changed(account: number): void {
    this.#models.delete(String(account));
    this.#tenants?.changed();
    this.#untaught.delete(account);
  }

  #model(account: number): PersonalModel | undefined {
    if (this.#untaught.has(account)) return undefined;
    const key = String(account);
    const known = this.#models.get(key);
    if (known !== undefined) return known.model;
    const lessons = this.#lessons(account);
    if (lessons.length === 0) {
      if (this.#untaught.size >= untaughtMax) this.#untaught.clear();
      this.#untaught.add(account);
      return undefined;
    }
    const examples = lessons.map(
      ([, { kind, places }]): Example => ({ isSpam: kind === 'spam', places }),
    );
    const model = personalModel(examples);
    const bytes = overheadBytes + (model?.places.length ?? 0) * bytesPerPlace;
    this.#models.set(key, { model }, bytes);
    return model;
  }

  #lessons(account: number): (readonly [document: number, lesson: Lesson])[] {
    const rows = this.#parts.shard.range(accountRange(tables.lesson, account));
    return rows.map(({ key, value }) => [lastU32(key), decodeLesson(value)] as const);
  }

  #documentAt(account: number, mailbox: number, uid: number): number | undefined {
    const [entry] = this.#parts.mailboxes.reader.messages(account, mailbox, uid, 1);
    return entry?.uid === uid ? entry.document : undefined;
  }
}

function rankOf({ kind }: Lesson): number {
  return kind === 'implied' ? 0 : 1;
}

/** The last UIDs of ranges, first and last of each one after the other. */
function lastOf(ranges: readonly number[], count: number): number[] {
  const uids: number[] = [];
  for (let at = ranges.length - 2; at >= 0 && uids.length < count; at -= 2) {
    const [first, last] = [ranges[at]!, ranges[at + 1]!];
    for (let uid = last; uid >= first && uids.length < count; uid--) uids.push(uid);
  }
  return uids;
}
