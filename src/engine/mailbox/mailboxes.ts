/**
 * The accounts of one shard: delivery, and what mailbox commands are made of.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    `actorsMax` accounts are held in memory; a record touches at most `flagsPerRecord` or
 *            `placesPerRecord` messages, so that no turn of the thread is long.
 * Invariant: an account has one actor at a time, and it is let go only while nothing of it is pending.
 */

import { mailboxTree } from '../../actors/asks/imap-asks.ts';
import type { ImportAnswer } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RecordDraft, RecordKind, RecordPlace } from '../store/record.ts';
import { AccountActor, noQuota, type Quota, uidValidityOf } from './account-actor.ts';
import {
  type AppendGroup,
  type AppendOutcome,
  type AppendRequest,
  type AppendTarget,
  appendedBefore,
  appendGroup,
  groupOf,
} from './append.ts';
import { Bodies } from './apply/bodies.ts';
import { mailboxKinds } from './apply/kinds.ts';
import { addRanges, CopyNames } from './ask-names.ts';
import type { CopyAnswer, CopyMore, Decide, Decision, Steps, StoreFlags } from './decisions.ts';
import { Deliverer } from './delivering.ts';
import type { Delivery, DeliveryOutcome } from './delivery.ts';
import { DerivedMemory } from './derived-memory.ts';
import type { FilingWatch } from './filing-watch.ts';
import { Fullness } from './fullness.ts';
import { type ImportRequest, Imports } from './import.ts';
import { existing, existingUids, MailboxReader, mustFitPlaces } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { MailboxNames, mustBeFree, mustBeName } from './names.ts';
import {
  type AskName,
  accountDeletedDraft,
  accountSetDraft,
  copiedDraft,
  expungedDraft,
  type Keeping,
  keepingFrom,
  mailboxCreatedDraft,
  noName,
} from './records.ts';
import { deletedAccount } from './rows/account-row.ts';
import { keywordLengthMax, type Role, roles } from './rows/mailbox-row.ts';
import { systemFlags } from './rows/uid-block.ts';
import { addId, addRange, countOf, type IdRanges, splitRanges } from './rows/uid-ranges.ts';
import { flagStepDraft } from './sharing-records.ts';

/** RFC 9051 §9: an atom. */
const keywordPattern = new RegExp(`^[!#$&'+,./0-9:;<=>?@A-Z^_\`a-z|}~-]{1,${keywordLengthMax}}$`);
const actorsMax = 10_000;
const flagsPerRecord = 16_384;
const placesPerRecord = 500;
const nothingClaimed = { bytes: 0, messages: 0 };

export interface MailboxesOptions {
  readonly clock: Clock;
  /** Hears when an account has no room for an ordinary message, and when it has again: RCPT is answered from it. */
  readonly onFull?: (account: AccountId, isFull: boolean) => void;
  /** For so long what was expunged can be had back; 0: it is gone at once. */
  readonly keepExpungedMs?: number;
  /** Hears of each mailbox that a journaled decision may have changed. */
  readonly onChange?: (account: AccountId, mailbox: number, tenant: TenantId) => void;
  /** Of all shards of the thread; absent: a small one. */
  readonly derived?: DerivedMemory;
}

export class Mailboxes {
  /** What a shard is opened with, before `start`. */
  readonly kinds: readonly RecordKind[];
  /** What was worked out from rows is kept there. */
  readonly derived: DerivedMemory;
  readonly names: MailboxNames;
  readonly deliverer: Deliverer;
  /** Who hears of what people do. */
  watches: readonly FilingWatch[] = [];
  readonly #clock: Clock;
  readonly #bodies = new Bodies();
  readonly #actors = new Map<number, AccountActor>();
  readonly #fullness: Fullness;
  readonly #imports: Imports;
  readonly #keepMs: number;
  readonly #onChange: NonNullable<MailboxesOptions['onChange']>;
  #shard: MailboxShard | undefined;
  #reader: MailboxReader | undefined;

  constructor(options: MailboxesOptions) {
    this.#clock = options.clock;
    this.#fullness = new Fullness(options.onFull ?? (() => {}));
    this.#imports = new Imports(options.clock);
    this.#keepMs = options.keepExpungedMs ?? 0;
    this.#onChange = options.onChange ?? (() => {});
    this.derived = options.derived ?? new DerivedMemory();
    this.names = new MailboxNames(this.derived);
    this.kinds = mailboxKinds(this.#bodies, this.names);
    this.deliverer = new Deliverer({
      clock: options.clock,
      shard: () => this.#open(),
      actorOf: (account, tenant) => this.#actor(account, tenant),
      fullness: this.#fullness,
      changed: (actor, mailbox) => this.#changed(actor, mailbox),
      decide: (actor, decide) => actor.alone(() => this.#decided(actor, decide)),
    });
  }

  /** The shard is open. */
  start(shard: MailboxShard): void {
    this.#shard = shard;
    this.#reader = new MailboxReader(shard);
    this.#bodies.attach(shard);
    this.names.attach(shard);
  }

  /** Lists, counters, messages: as journaled. */
  get reader(): MailboxReader {
    if (this.#reader === undefined) throw new MailError('not-possible-now', 'shard not open');
    return this.#reader;
  }

  /** To each target: on disk when it resolves. One outcome per target, in order; it never rejects. */
  deliver(delivery: Delivery): Promise<readonly DeliveryOutcome[]> {
    return this.deliverer.begin(delivery).outcomes;
  }

  /**
   * Puts one message into a mailbox for a client; on disk when it resolves. As with a delivery, the same `id` for
   * the same mailbox changes nothing the second time, and nothing is awaited before the record is staged.
   */
  async append(request: AppendRequest): Promise<DeliveryOutcome> {
    const outcome = await this.appendAll(groupOf(request));
    if (!outcome.ok) return outcome;
    return { ok: true, ...outcome.copies[0]!, isRepeat: outcome.isRepeat };
  }

  /** As `append`, several messages: all of them or none, and with them what they replace. */
  appendAll(group: AppendGroup): Promise<AppendOutcome> {
    const shard = this.#open();
    const actor = this.#actor(group.account, group.tenant);
    const append = () => this.#appendNow(shard, actor, group);
    // What is replaced may be gone by a decision under way.
    return group.replaced === undefined ? append() : actor.alone(append);
  }

  /** Before so much is put together. @throws MailError `account-over-quota` */
  mustHaveRoom(
    { account, tenant }: Pick<AppendTarget, 'account' | 'tenant'>,
    bytes: number,
    messages: number,
  ): void {
    const actor = this.#actor(account, tenant);
    actor.claimRoom(bytes, actor.row(), messages);
  }

  /** What became of an append under this id; undefined where there was none. */
  appendedBefore(target: AppendTarget, count: number): Promise<AppendOutcome> | undefined {
    const actor = this.#actor(target.account, target.tenant);
    return appendedBefore(this.#open(), actor, target, count);
  }

  async #appendNow(
    shard: MailboxShard,
    actor: AccountActor,
    group: AppendGroup,
  ): Promise<AppendOutcome> {
    const outcome = await appendGroup(
      {
        ...{ shard, actor, nowMs: this.#clock.nowMs(), keeping: this.keeping() },
        look: (row) => this.#fullness.look(actor, row),
        settle: (name, done) => this.deliverer.settle(shard, actor, name, done),
      },
      group,
    );
    const { replaced, mailbox, tenant } = group;
    if (outcome.ok && replaced !== undefined) this.#changed(actor, replaced.mailbox);
    if (outcome.ok && !outcome.isRepeat) {
      const uids: number[] = [];
      for (const { uid } of outcome.copies) addId(uids, uid);
      for (const watch of this.watches) watch.appended?.({ ...group, tenant }, mailbox, uids);
    }
    return outcome;
  }

  /** Many messages for one mailbox, from elsewhere; see `import.ts`. */
  async import(request: ImportRequest): Promise<ImportAnswer> {
    const { account, tenant, mailbox } = request;
    const actorOf = (of: AccountId, its: TenantId) => this.#actor(of, its);
    const answer = await this.#imports.run({ shard: this.#open(), actorOf }, request);
    this.#fullness.look(this.#actor(account, tenant));
    if (answer.importedCount > 0) this.#onChange(account, mailbox, tenant);
    return answer;
  }

  /** Decides while no other decision about the account is under way, and appends what was decided. */
  decide<T>(account: AccountId, tenant: TenantId, decide: Decide<T>): Promise<T> {
    const actor = this.#actor(account, tenant);
    return actor.alone(() => this.#decided(actor, decide));
  }

  /** As `decide`, of what new messages and others decided by this neither change nor are changed by: it joins their sync. */
  decideBeside<T>(account: AccountId, tenant: TenantId, decide: Decide<T>): Promise<T> {
    const actor = this.#actor(account, tenant);
    return actor.beside(() => this.#decided(actor, decide));
  }

  async #decided<T>(actor: AccountActor, decide: Decide<T>): Promise<T> {
    const { drafts, mailboxes, claimed, value, settled, written } = decide(actor);
    try {
      const isEmpty = drafts.length === 0;
      const places = isEmpty ? [] : await this.#append(actor, drafts, mailboxes, claimed);
      written?.(places);
    } finally {
      settled?.();
    }
    return value;
  }

  /** Makes the account, or sets what may be set of one that is there. */
  async putAccount(account: AccountId, tenant: TenantId, quota: Quota): Promise<void> {
    const actor = this.#actor(account, tenant);
    await actor.alone(async () => {
      const creation = actor.creation(this.#clock.nowMs(), quota);
      if (creation !== undefined) {
        await this.#append(actor, [creation]);
        return;
      }
      const row = actor.row();
      const { bytes: quotaBytes, messages: quotaMessages } = quota;
      if (row?.quotaBytes === quotaBytes && row.quotaMessages === quotaMessages) return;
      const modseq = actor.nextModseq();
      const draft = accountSetDraft(tenant, { account, modseq, quotaBytes, quotaMessages });
      await this.#append(actor, [draft]);
    });
  }

  /** Deletes all the account has; its number is never used again. */
  async deleteAccount(account: AccountId, tenant: TenantId): Promise<void> {
    const actor = this.#actor(account, tenant);
    await actor.alone(async () => {
      if (actor.row()?.mailboxNext === deletedAccount) return;
      await this.#append(actor, [accountDeletedDraft(tenant, { account })]);
    });
    this.#actors.delete(account);
  }

  /** @throws MailError `already-exists`, `argument-invalid` (its name, its role), `account-missing` */
  async createMailbox(
    account: AccountId,
    tenant: TenantId,
    mailbox: { readonly name: string; readonly parent: number; readonly role: Role },
    ask: AskName = noName,
  ): Promise<number> {
    const { name, parent, role } = mailbox;
    mustBeName(name);
    const actor = this.#actor(account, tenant);
    return actor.alone(async () => {
      const nowMs = this.#clock.nowMs();
      const creation = actor.creation(nowMs, noQuota);
      mustBeFree(this.names.of(account), mailbox);
      const number = actor.nextMailbox();
      const draft = mailboxCreatedDraft(tenant, {
        account,
        modseq: actor.nextModseq(),
        mailbox: number,
        // The number makes it rise for one that is deleted and made anew within a second.
        uidValidity: uidValidityOf(nowMs) + number,
        name,
        parent,
        role: roles.indexOf(role),
        ask,
      });
      const drafts = creation === undefined ? [draft] : [creation, draft];
      await this.#append(actor, drafts, [mailboxTree]);
      return number;
    });
  }

  /** The UIDs that were there. @throws MailError `not-found`, `argument-invalid` */
  async storeFlags(account: AccountId, tenant: TenantId, store: StoreFlags): Promise<IdRanges> {
    const { mailbox, more = [] } = store;
    const flagSteps = [store, ...more];
    const keywords = flagSteps.flatMap((step) => step.keywords);
    const wrong = keywords.find((name) => !keywordPattern.test(name));
    if (wrong !== undefined) throw new MailError('argument-invalid', `keyword ${wrong}`);
    const { unchangedSince = -1 } = store;
    const choose = (uids: IdRanges) =>
      unchangedSince < 0 ? uids : this.#unchanged(account, store, uids, unchangedSince);
    const steps = { mailbox, uids: store.uids, countMax: flagsPerRecord, choose };
    const stored = await this.#inSteps(account, tenant, steps, (actor, uids) =>
      flagSteps.map((step) => {
        const modseq = actor.nextModseq();
        store.modseqs?.push(modseq);
        return flagStepDraft(tenant, step, { account, modseq, mailbox, uids });
      }),
    );
    if (stored.length === 0 || store.isQuiet === true) return stored;
    const changes = flagSteps.map(({ op, flags, keywords: set }) => {
      const system = systemFlags.filter((_, place) => (flags & (1 << place)) !== 0);
      return { op, flags: [...system, ...set] };
    });
    for (const watch of this.watches) {
      watch.flagged({ account, tenant }, mailbox, stored, changes);
    }
    return stored;
  }

  /** The UIDs that were there. Nobody has them back where `isKept` is false. @throws MailError `not-found` */
  expunge(
    account: AccountId,
    tenant: TenantId,
    mailbox: number,
    uids: IdRanges,
    isKept = true,
  ): Promise<IdRanges> {
    const steps = { mailbox, uids, countMax: placesPerRecord };
    return this.#inSteps(account, tenant, steps, (actor, some) => {
      const modseq = actor.nextModseq();
      const keeping = isKept ? this.keeping() : {};
      const record = { account, modseq, mailbox, uids: some, ...keeping };
      return [expungedDraft(tenant, record)];
    });
  }

  /** What a record says of how long that is kept which it expunges. */
  keeping(): { readonly keeping?: Keeping } {
    return keepingFrom(this.#clock.nowMs(), this.#keepMs);
  }

  /**
   * Done again by the same `id`, it goes on where it stopped and answers the same. What `flagsOf` wants of copies is on
   * disk with them. Of a quiet one, who watches does not hear.
   * @throws MailError `not-found`, `not-possible-now` where a message would be in more than `placesMax` places
   */
  async copy(
    account: AccountId,
    tenant: TenantId,
    from: { readonly mailbox: number; readonly uids: IdRanges },
    target: number,
    isMove: boolean,
    { id = '', flagsOf = () => [], isQuiet = false }: CopyMore = {},
  ): Promise<CopyAnswer> {
    const { mailbox } = from;
    const savedMs = this.#clock.nowMs();
    const names = new CopyNames(id, savedMs);
    const { targets } = names;
    const step = (actor: AccountActor, uids: IdRanges) => {
      // Deleted since its name was looked up: the record would change nothing, and say it had.
      if (actor.mailbox(target) === undefined) {
        throw new MailError('not-found', `mailbox ${target}`);
      }
      // What is moved leaves as many places as it takes.
      if (!isMove) mustFitPlaces(this.#open(), account, mailbox, uids);
      const count = countOf(uids);
      const firstUid = actor.nextUid(target, count);
      addRange(targets, firstUid, firstUid + count - 1);
      const modseq = actor.nextModseq();
      const record = { account, modseq, mailbox, uids, target, firstUid, savedMs };
      const flags = flagsOf(uids);
      return [
        copiedDraft(tenant, { ...record, ...names.next() }, isMove),
        ...flags.map(({ offsets, step: flagStep }) => {
          const stored = { account, modseq: actor.nextModseq(), mailbox: target };
          const copies = offsets.map((offset) => firstUid + offset);
          return flagStepDraft(tenant, flagStep, { ...stored, uids: copies });
        }),
      ];
    };
    const choose = (uids: IdRanges) => names.resume(this.#open(), account, uids);
    const steps = { ...from, target, choose, countMax: placesPerRecord };
    try {
      addRanges(names.sources, await this.#inSteps(account, tenant, steps, step));
      for (const watch of isQuiet ? [] : this.watches) {
        watch.filed({ account, tenant }, mailbox, target, targets);
      }
      return { sources: names.sources, targets };
    } catch (error) {
      if (!isMove) await this.#takeBack(account, tenant, target, targets);
      throw error;
    }
  }

  /** RFC 9051 §6.4.7: a COPY that fails leaves nothing behind. */
  async #takeBack(
    account: AccountId,
    tenant: TenantId,
    mailbox: number,
    uids: IdRanges,
  ): Promise<void> {
    if (uids.length === 0) return;
    // A shard that cannot be written to cannot take it back either.
    await this.expunge(account, tenant, mailbox, uids).catch(() => {});
  }

  /** Those whose modseq is not above `modseq`; the others go to `store.modified`. */
  #unchanged(account: number, store: StoreFlags, uids: IdRanges, modseq: number): IdRanges {
    const kept: number[] = [];
    for (const one of existing(this.#open(), account, store.mailbox, uids)) {
      if (one.modseq <= modseq) addId(kept, one.uid);
      else if (store.modified !== undefined) addId(store.modified, one.uid);
    }
    return kept;
  }

  /** Existing UIDs in steps of one record each, so that the thread's other work goes on between them. */
  #inSteps(
    account: AccountId,
    tenant: TenantId,
    steps: Steps,
    draft: (actor: AccountActor, uids: IdRanges) => readonly RecordDraft[],
  ): Promise<IdRanges> {
    const actor = this.#actor(account, tenant);
    const { mailbox, target, countMax } = steps;
    const changed = target === undefined ? [mailbox] : [mailbox, target];
    return actor.alone(async () => {
      if (actor.mailbox(mailbox) === undefined) {
        throw new MailError('not-found', `mailbox ${mailbox}`);
      }
      const there = existingUids(this.#open(), account, mailbox, steps.uids);
      const uids = steps.choose?.(there) ?? there;
      let rest: IdRanges = uids;
      while (rest.length > 0) {
        const [some, later] = splitRanges(rest, countMax);
        await this.#append(actor, draft(actor, some), changed);
        rest = later;
      }
      return uids;
    });
  }

  async #append(
    actor: AccountActor,
    drafts: readonly RecordDraft[],
    mailboxes: readonly number[] = [],
    { bytes, messages }: NonNullable<Decision<unknown>['claimed']> = nothingClaimed,
  ): Promise<readonly RecordPlace[]> {
    const append = this.#open().append(drafts);
    actor.track(append, bytes, messages);
    const places = await append;
    this.#fullness.look(actor);
    for (const mailbox of mailboxes) this.#changed(actor, mailbox);
    return places;
  }

  #changed({ account, tenant }: AccountActor, mailbox: number): void {
    this.#onChange(account as AccountId, mailbox, tenant);
  }

  #actor(account: number, tenant: TenantId): AccountActor {
    const known = this.#actors.get(account);
    if (known !== undefined) return known;
    if (this.#actors.size >= actorsMax) this.#letGo();
    const actor = new AccountActor(this.#open(), account, tenant);
    this.#actors.set(account, actor);
    return actor;
  }

  /** The oldest quarter, but for those at work. */
  #letGo(): void {
    let count = actorsMax / 4;
    for (const [account, actor] of this.#actors) {
      if (count-- <= 0) return;
      if (!actor.isBusy) this.#actors.delete(account);
    }
  }

  #open(): MailboxShard {
    if (this.#shard === undefined) throw new MailError('not-possible-now', 'shard not open');
    return this.#shard;
  }
}
