/**
 * Deliveries into the accounts of one shard: all of a parcel's in one append.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5321 §6.1, RFC 2033 (one outcome per recipient).
 * Invariant: what needs nobody else is decided before the first await. An outcome is told once it is on disk.
 */

import { failure, failureOf, MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import { summarise } from '../../mail/formats/mime/summary.ts';
import type { Clock } from '../../ports/clock.ts';
import { madeDrafts } from '../spool/made.ts';
import { documentKey } from '../store/keys.ts';
import type { RecordDraft } from '../store/record.ts';
import type { AccountActor, DeliveredCopy, DeliveryUnderWay } from './account-actor.ts';
import type { Decide } from './decisions.ts';
import {
  type Delivery,
  type DeliveryOutcome,
  type Staged,
  StagedMessage,
  stage,
} from './delivery.ts';
import type { Fullness } from './fullness.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { DeliveryFilters } from './sieve/delivery-filters.ts';
import {
  type FilteredRequest,
  type FilteredStage,
  filterCopy,
  type LateStage,
} from './sieve/filtered.ts';

export interface DelivererParts {
  readonly clock: Clock;
  /** @throws MailError where it is not open */
  readonly shard: () => MailboxShard;
  readonly actorOf: (account: number, tenant: TenantId) => AccountActor;
  readonly fullness: Fullness;
  readonly changed: (actor: AccountActor, mailbox: number) => void;
  readonly decide: <T>(actor: AccountActor, decide: Decide<T>) => Promise<T>;
}

export interface Delivering {
  /** One for each target, in order; it never rejects. */
  readonly outcomes: Promise<readonly DeliveryOutcome[]>;
  /** Others are asked first: whoever waits for it must not hold up its parcel. */
  readonly isLong: boolean;
}

type StagedDrafts = Extract<Staged, { readonly drafts: unknown }>;
type Late = Extract<FilteredStage, { readonly later: unknown }>;

/** A late one, known to repeats from now on. */
type Begun = Late & {
  readonly underWay: DeliveryUnderWay;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
};

type Staging = Exclude<FilteredStage, Late> | Begun;

const nowhere: DeliveredCopy = { mailbox: 0, uid: 0, document: 0 };

export class Deliverer {
  readonly #parts: DelivererParts;
  /** Absent: no account has scripts. */
  filters: DeliveryFilters | undefined;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
  }

  /** To each target. What is decided at once is one append. */
  begin(delivery: Delivery): Delivering {
    const { clock, actorOf, fullness } = this.#parts;
    const shard = this.#parts.shard();
    const message = new StagedMessage(delivery, summarise);
    const nowMs = clock.nowMs();
    const drafts: RecordDraft[] = [];
    const { promise: done, resolve, reject } = Promise.withResolvers<unknown>();
    // Who awaits a repeat is told; where nobody does, the failure is in the outcomes.
    done.catch(() => {});
    const staged = delivery.targets.map((target): [AccountActor, Staging] => {
      const actor = actorOf(target.account, delivery.tenant);
      const one = this.#stage({ shard, actor, message, target, nowMs });
      if ('drafts' in one) {
        drafts.push(...one.drafts);
        actor.deliveries.set(one.key, { copy: one.copy, done });
        actor.track(done, one.bytes);
      }
      return [actor, 'later' in one ? begun(actor, one) : one];
    });
    if (drafts.length > 0) shard.append(drafts).then(resolve, reject);
    for (const [actor, one] of staged) {
      fullness.look(actor, 'drafts' in one ? one.row : undefined);
    }
    const outcomes = staged.map(([actor, one]) => {
      if ('outcome' in one) return one.outcome;
      if ('later' in one) return this.#late(actor, one);
      return this.#stored(shard, actor, one, done);
    });
    return {
      outcomes: Promise.all(outcomes),
      isLong: staged.some(([, one]) => 'later' in one),
    };
  }

  /** What goes wrong with one target is its outcome: others of the parcel are decided already. */
  #stage(request: Omit<FilteredRequest, 'scripts' | 'decide'>): FilteredStage {
    const { shard, actor, message, target, nowMs } = request;
    const { filters } = this;
    // A large message's scripts were run before its files were written.
    const isLarge =
      target.body !== undefined || target.filed !== undefined || target.failed !== undefined;
    try {
      const scripts = isLarge ? [] : (filters?.filters.scriptsOf(target.account) ?? []);
      const isPlain =
        (isLarge || filters?.filters.isPlain(target, scripts) === true) &&
        target.filed === undefined &&
        target.failed === undefined;
      if (filters === undefined || isPlain) return stage(shard, actor, message, target, nowMs);
      const decide = <T>(one: Decide<T>) => this.#parts.decide(actor, one);
      return filterCopy(filters, { ...request, scripts, decide });
    } catch (error) {
      return { outcome: failureOf(error) };
    }
  }

  /** Once `done` is: whether the copy is there to be read. */
  async settle(
    shard: MailboxShard,
    actor: AccountActor,
    { copy, key }: { readonly copy: DeliveredCopy; readonly key: string },
    done: Promise<unknown>,
  ): Promise<DeliveryOutcome> {
    try {
      await done;
      // What is acknowledged must be there to be read: a record that changed nothing would be a lost message.
      const { document } = copy;
      if (document !== 0 && shard.get(documentKey(actor.account, document)) === undefined) {
        return failure('store-failed', 'the delivered record was not applied');
      }
      if (copy.mailbox !== 0) this.#parts.changed(actor, copy.mailbox);
      return { ok: true, ...copy, isRepeat: false };
    } catch (error) {
      return failureOf(error);
    } finally {
      actor.deliveries.delete(key);
    }
  }

  async #stored(
    shard: MailboxShard,
    actor: AccountActor,
    one: StagedDrafts,
    done: Promise<unknown>,
  ): Promise<DeliveryOutcome> {
    const outcome = await this.settle(shard, actor, one, done);
    one.settled?.();
    if (outcome.ok) {
      const others = one.mailboxes.filter((mailbox) => mailbox !== one.copy.mailbox);
      for (const mailbox of others) this.#parts.changed(actor, mailbox);
    }
    return outcome;
  }

  async #late(actor: AccountActor, late: Begun): Promise<DeliveryOutcome> {
    const { key, later, settled, underWay, resolve, reject } = late;
    try {
      const prepared = await later;
      const shard = this.#parts.shard();
      // Let go or deleted meanwhile: numbers that it gives were given by another.
      if (this.#parts.actorOf(actor.account, actor.tenant) !== actor) {
        throw new MailError('not-possible-now', 'the account changed meanwhile');
      }
      const one = prepared.stage();
      underWay.copy = one.copy;
      actor.track(underWay.done, one.bytes, one.bytes > 0 ? 1 : 0);
      this.#appendLate(shard, one, prepared).then(resolve, reject);
      return await this.#stored(shard, actor, one, underWay.done);
    } catch (error) {
      reject(error);
      actor.deliveries.delete(key);
      return failureOf(error);
    } finally {
      settled();
    }
  }

  /** What scripts send begins in the turn that finds its record on disk. */
  async #appendLate(
    shard: MailboxShard,
    { drafts }: StagedDrafts,
    { made }: LateStage,
  ): Promise<void> {
    if (made.length === 0) {
      await shard.append(drafts);
      return;
    }
    const { spool } = this.filters!;
    const places = await shard.append([...drafts, ...madeDrafts(made)]);
    spool.admitMade(made, places.slice(drafts.length));
  }
}

function begun(actor: AccountActor, one: Late): Begun {
  const { promise: done, resolve, reject } = Promise.withResolvers<unknown>();
  done.catch(() => {});
  const underWay: DeliveryUnderWay = { copy: nowhere, done };
  actor.deliveries.set(one.key, underWay);
  return { ...one, underWay, resolve, reject };
}
