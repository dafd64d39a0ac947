/**
 * Tells accounts once a day, by mail, of what came into their quarantines; and reads the links of that mail.
 *
 * Runs in:   main thread.
 * Limits:    a digest names `shownMax` messages and counts up to `countedPagesMax` pages more; accounts are told one
 *            after the other, `pauseMs` apart.
 * Invariant: up to which message a day's digest tells is noted before it is sent, and messages are noted as told after it
 *            is accepted: killed between, the next run of that day hands in the same digest under its key, and is told
 *            that it has it. What comes later waits for the next day, whatever restarts come between.
 */

import {
  type HeldDue,
  type HeldList,
  type HeldMessage,
  type PackedHeldIds,
  type PackedHeldList,
  quarantineAsks,
  type Released,
} from '../actors/asks/quarantine-asks.ts';
import type { Reception } from '../actors/asks/reception.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { AccountId, ShardId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { dayMs, hourMs, minuteMs } from '../base/units.ts';
import type { FeedbackKeys } from '../edge/feedback/keys.ts';
import { releasePath } from '../edge/protocols/http/quarantine-release.ts';
import {
  type DigestMessage,
  digestLines,
  shownMax,
} from '../mail/formats/notice/quarantine-digest.ts';
import {
  type ReleaseFacts,
  readReleaseToken,
  releaseToken,
} from '../mail/trust/feedback/release-tokens.ts';
import type { Account, AccountDirectory } from '../ports/account-directory.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Settings } from '../settings/schema.ts';
import { type AccountAskParts, askAccount } from './control/account-asks.ts';
import { noticeSender, type SendNotice } from './own-mail.ts';

const tickMs = minuteMs;
const countedPagesMax = 20;
const pauseMs = 5;

export interface QuarantineDigestParts {
  readonly asks: AccountAskParts;
  readonly directory: Pick<AccountDirectory, 'accountById'>;
  readonly shards: number;
  readonly send: SendNotice;
  /** Signs links. */
  readonly root: () => Uint8Array;
  readonly settings: Pick<Settings, 'quarantine' | 'public'>;
  /** Says when a day is over. */
  readonly clock: Clock;
  readonly log: Log;
}

export class QuarantineDigests {
  readonly #parts: QuarantineDigestParts;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #run: Promise<void> = Promise.resolve();
  /** The day it was last done for. */
  #doneDay = 0;

  constructor(parts: QuarantineDigestParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    this.#timer = clock.setTimer(tickMs, () => {
      this.#run = this.#look().catch((error: unknown) => {
        log.error({ error: String(error) }, 'digests of quarantines could not be sent');
      });
      void this.#run.then(() => {
        if (!this.#stop.signal.aborted) this.start();
      });
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
    await this.#run;
  }

  /** Undefined: not signed by us, or its time is over. */
  readonly read = (token: string): ReleaseFacts | undefined =>
    readReleaseToken(this.#parts.root(), token, this.#parts.clock.nowMs());

  /** Whether the message was there. @throws MailError */
  readonly release = async ({ account: number, id }: ReleaseFacts): Promise<boolean> => {
    const account = await this.#parts.directory.accountById(number as AccountId);
    if (account === undefined) return false;
    const meta: PackedHeldIds = [account.id, account.tenant, [id], false];
    const { value } = await askAccount(this.#parts.asks, account, quarantineAsks.release, meta);
    const isReleased = (value as Released).count === 1;
    const facts = { account: account.address, id, isReleased };
    this.#parts.log.info(facts, 'the link of a digest was followed to release a message');
    return isReleased;
  };

  /** From the hour of the day on, once. */
  async #look(): Promise<void> {
    const { clock, settings, shards, log } = this.#parts;
    const day = Math.floor((clock.nowMs() - settings.quarantine.digestHour * hourMs) / dayMs);
    if (day === this.#doneDay) return;
    let sentCount = 0;
    for (let shard = 0; shard < shards; shard++)
      sentCount += await this.#tellShard(shard as ShardId, day);
    if (this.#stop.signal.aborted) return;
    this.#doneDay = day;
    if (sentCount > 0) log.info({ count: sentCount }, 'digests of quarantines were sent');
  }

  async #tellShard(shard: ShardId, day: number): Promise<number> {
    const { directory, log } = this.#parts;
    let sentCount = 0;
    let from: number | undefined = 0;
    while (from !== undefined && !this.#stop.signal.aborted) {
      const { accounts, next } = await this.#due(shard, from);
      for (const [number] of accounts) {
        if (this.#stop.signal.aborted) break;
        const account = await directory.accountById(number as AccountId);
        if (account === undefined) continue;
        const fault = await this.#tell(account, day).catch(String);
        if (fault === '') sentCount++;
        else if (fault !== undefined)
          log.warn({ account: account.address, fault }, 'a digest could not be handed in');
        await this.#pause();
      }
      from = next;
    }
    return sentCount;
  }

  async #due(shard: ShardId, from: number): Promise<HeldDue> {
    const place = { shard, id: 0 as AccountId };
    return (await askAccount(this.#parts.asks, place, quarantineAsks.due, [from])).value as HeldDue;
  }

  /** Why it could not be handed in, or ""; undefined: there is nothing to tell today. */
  async #tell(account: Account, day: number): Promise<string | undefined> {
    const { send, settings } = this.#parts;
    const found: HeldMessage[] = [];
    const ids: number[] = [];
    let next: number | undefined = 1;
    let pages = 0;
    while (pages < countedPagesMax && next !== undefined && !this.#stop.signal.aborted) {
      const meta: PackedHeldList = [account.id, next, '', true];
      const list = (await askAccount(this.#parts.asks, account, quarantineAsks.list, meta))
        .value as HeldList;
      found.push(...list.messages.slice(0, shownMax - found.length));
      ids.push(...list.messages.map(({ id }) => id));
      // Pages of what was told before are empty, and may be many.
      if (list.messages.length > 0) pages++;
      next = list.next;
    }
    const wanted = ids.at(-1);
    if (wanted === undefined) return undefined;
    const telling = [account.id, account.tenant, day, wanted];
    const answer = await askAccount(this.#parts.asks, account, quarantineAsks.telling, telling);
    const lastId = answer.value as number;
    const count = ids.filter((id) => id <= lastId).length;
    if (count === 0) return undefined;
    const shown = found.filter(({ id }) => id <= lastId);
    const lines = digestLines({
      address: account.address,
      messages: shown.map((held) => this.#shown(account, held)),
      moreCount: count - shown.length,
      keepDays: Math.round(settings.quarantine.keepMs / dayMs),
    });
    const fault = await send({
      ...{ account: account.address, to: account.address, lines },
      subject: `${count} ${count === 1 ? 'message' : 'messages'} kept apart`,
      key: `quarantine digest ${account.id} ${lastId}`,
    });
    if (fault !== '') return fault;
    const told = [account.id, account.tenant, lastId];
    await askAccount(this.#parts.asks, account, quarantineAsks.told, told);
    return '';
  }

  #shown({ id: account }: Account, held: HeldMessage): DigestMessage {
    const { root, settings, clock } = this.#parts;
    const { id, heldMs, from, subject, kind, scanner, percent } = held;
    const untilMs = Math.min(held.untilMs, clock.nowMs() + settings.quarantine.linkMs);
    const { url } = settings.public;
    const hasLink = url !== '' && kind === 'spam';
    const link = hasLink
      ? `${url}${releasePath}${releaseToken(root(), { account, id, untilMs })}`
      : '';
    const score = percent === undefined ? '' : `, score ${percent}%`;
    return { heldMs, from, subject, why: `${kind} (${scanner}${score})`, link };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#parts.asks.clock.setTimer(pauseMs, resolve));
  }
}

export interface DigestRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly isOffline: boolean;
  readonly reportClock?: Clock;
}

export interface DigestSurroundings {
  readonly engine: { readonly runtime: { readonly router: AccountAskParts['router'] } };
  readonly directory: AccountDirectory;
  readonly reception: Reception;
  readonly feedback: { readonly keys: Pick<FeedbackKeys, 'root'> };
  readonly shards: number;
  readonly closers: (() => Promise<void>)[];
}

/** The engine runs. */
export function openQuarantineDigests(
  { settings, log, isOffline, reportClock = nodeClock }: DigestRequest,
  { engine, directory, reception, feedback, shards, closers }: DigestSurroundings,
): QuarantineDigests {
  const { hostname, quarantine } = settings;
  const digests = new QuarantineDigests({
    ...{ directory, shards, settings, log, clock: reportClock },
    asks: { router: engine.runtime.router, clock: nodeClock },
    send: noticeSender({ directory, reception, hostname }),
    root: () => feedback.keys.root,
  });
  if (quarantine.digest && !isOffline) digests.start();
  closers.push(() => digests.close());
  return digests;
}
