/**
 * What comes back for mail that left, joined: the suppression list, its keys, who is asked of it, and the event stream.
 *
 * Runs in:   main thread.
 * Limits:    the list is swept every `sweepMs`, `sweptMax` entries at a time; keys are looked at every `keysMs`.
 * Invariant: a key is on disk, and this process reads what it signs, before an engine thread signs with it.
 */

import type { Answer, UpwardAnswers } from '../actors/ask.ts';
import {
  type FeedbackTaken,
  feedbackAsks,
  type RecipientsFailed,
  type TellFeedback,
} from '../actors/asks/feedback-asks.ts';
import type { FeedbackPolicy } from '../actors/asks/policy-snapshot.ts';
import type { Reception } from '../actors/asks/reception.ts';
import type { Runtime } from '../actors/runtime.ts';
import { openLmdbSuppressions, suppressionsFolder } from '../adapters/lmdb/suppressions.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { failure, failureOf } from '../base/errors.ts';
import { tenantId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { TenantWords } from '../base/tenant-words.ts';
import { dayMs, minuteMs } from '../base/units.ts';
import { BounceDomains } from '../edge/feedback/bounce-domains.ts';
import { FeedbackDesk } from '../edge/feedback/desk.ts';
import { type FeedbackKeys, feedbackKeys } from '../edge/feedback/keys.ts';
import { FeedbackTeller } from '../edge/feedback/teller.ts';
import { SuppressionGuard } from '../edge/guard/suppression-guard.ts';
import type { UnsubscribeParts } from '../edge/protocols/http/unsubscribe.ts';
import type { Timer } from '../ports/clock.ts';
import type { SuppressionList } from '../ports/suppressions.ts';
import type { Settings } from '../settings/schema.ts';
import { readEvents } from './control/trace-handlers.ts';

const sweepMs = minuteMs;
const sweptMax = 1_000;
const keysMs = dayMs;
const tellMsMax = minuteMs;
const eventsMax = 1_000;

export interface FeedbackRequest {
  readonly folder: string;
  readonly settings: Settings;
  readonly log: Log;
  /** Counts of tenants with entries, for the engine's threads. */
  readonly words: SharedArrayBuffer;
  readonly closers: (() => Promise<void>)[];
}

/** What there is once the engine runs. */
export interface FeedbackSurroundings {
  readonly runtime: Runtime;
  readonly reception: Reception;
  readonly shards: number;
  readonly policyChanged: () => Promise<void>;
}

/** Before the engine's threads, which read its list. */
export async function openFeedback(request: FeedbackRequest): Promise<Feedback> {
  const { folder, words, closers } = request;
  const tenants = new TenantWords(words);
  const path = suppressionsFolder(folder);
  const list = openLmdbSuppressions(path, (tenant, has) => tenants.note(tenant, has));
  closers.push(() => list.close());
  return new Feedback(request, list, await feedbackKeys(list, nodeRandom, nodeClock.nowMs()));
}

export class Feedback {
  readonly list: SuppressionList;
  readonly desk: FeedbackDesk;
  readonly teller: FeedbackTeller;
  readonly #log: Log;
  readonly #timers = new Map<string, Timer>();
  #settings: Settings;
  #domains: BounceDomains;
  #keys: FeedbackKeys;
  #around: FeedbackSurroundings | undefined;
  #isClosed = false;

  constructor({ settings, log }: FeedbackRequest, list: SuppressionList, keys: FeedbackKeys) {
    this.list = list;
    this.#log = log;
    this.#settings = settings;
    this.#domains = new BounceDomains(settings.feedback.bounceDomain);
    this.#keys = keys;
    this.teller = new FeedbackTeller({ list, clock: nodeClock, tell: (meta) => this.#tell(meta) });
    this.desk = new FeedbackDesk(
      {
        ...{ list, teller: this.teller, clock: nodeClock },
        rules: () => this.#settings.feedback,
        domains: () => this.#domains,
        recipientsOf: (id) => this.#recipientsOf(id),
      },
      keys,
    );
  }

  get keys(): FeedbackKeys {
    return this.#keys;
  }

  /** What engine threads ask, by name. */
  readonly answers: UpwardAnswers = {
    [feedbackAsks.take]: (ask) => answered(this.desk.take(ask.meta as FeedbackTaken)),
    [feedbackAsks.failed]: (ask) => answered(this.desk.failed(ask.meta as RecipientsFailed)),
  };

  start(around: FeedbackSurroundings): void {
    this.#around = around;
    this.#every('sweep', sweepMs, () => this.#sweep());
    this.#every('keys', keysMs, () => this.#renewKeys());
    void this.teller.drain();
  }

  reload(settings: Settings): void {
    this.#settings = settings;
  }

  /** As engine threads have them: return paths are theirs to write. */
  setDomains(domains: Pick<FeedbackPolicy, 'bounceDomain' | 'tenantBounceDomains'>): void {
    const { bounceDomain, tenantBounceDomains } = domains;
    const ofTenants = Object.entries(tenantBounceDomains);
    this.#domains = new BounceDomains(
      bounceDomain,
      new Map(ofTenants.map(([tenant, domain]) => [tenantId(Number(tenant)), domain])),
    );
  }

  /** Asked at RCPT and by HTTP. */
  readonly guard: SuppressionGuard = new SuppressionGuard({
    list: { find: (...of) => this.list.find(...of) },
    clock: nodeClock,
    nextId: () => this.#around!.reception.nextId(),
    tell: (event) => this.teller.note(event),
  });

  /** Of readers, by HTTP. */
  readonly unsubscription: UnsubscribeParts = {
    clock: nodeClock,
    read: (token) => this.desk.tokens.readUnsubscribe(token),
    unsubscribe: (facts, way) => this.desk.unsubscribe(facts, way),
    isHostOurs: (host) => host === hostOf(this.#settings.feedback.unsubscribeUrl),
  };

  /** The engine still runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    await this.teller.close();
  }

  #every(what: string, everyMs: number, run: () => Promise<unknown>): void {
    const timer = nodeClock.setTimer(everyMs, async () => {
      await run().catch((error: unknown) => {
        this.#log.error({ what, error: String(error) }, 'upkeep of suppressions failed');
      });
      if (!this.#isClosed) this.#every(what, everyMs, run);
    });
    this.#timers.set(what, timer);
  }

  async #sweep(): Promise<void> {
    while (!this.#isClosed) {
      if ((await this.list.sweep(nodeClock.nowMs(), sweptMax)) === 0) return;
    }
  }

  async #renewKeys(): Promise<void> {
    const [newest] = this.#keys.keys;
    this.#keys = await feedbackKeys(this.list, nodeRandom, nodeClock.nowMs());
    this.desk.setKeys(this.#keys);
    if (this.#keys.keys[0]!.id !== newest!.id) await this.#around?.policyChanged();
  }

  async #recipientsOf(id: string): Promise<readonly string[]> {
    if (this.#around === undefined) return [];
    const { runtime, shards } = this.#around;
    const { events } = await readEvents(
      { router: runtime.router, clock: nodeClock, shards },
      id,
      eventsMax,
    );
    return [...new Set(events.flatMap((event) => event[5]))];
  }

  async #tell(meta: TellFeedback): Promise<Answer> {
    // A shard that opens may deliver what came back before all is joined: it is told a moment later.
    if (this.#around === undefined) return failure('not-possible-now', 'starting');
    const { runtime } = this.#around;
    return await runtime.router.ask({
      shard: runtime.spoolShard(),
      actor: 'feedback',
      name: feedbackAsks.tell,
      key: '',
      class: 'short',
      lane: 'normal',
      deadlineMs: nodeClock.nowMs() + tellMsMax,
      meta,
      body: [],
    });
  }
}

/** "" of no URL: no Host is that. */
function hostOf(url: string): string {
  return url === '' ? '' : new URL(url).hostname;
}

async function answered(done: Promise<void>): Promise<Answer> {
  try {
    await done;
    return { ok: true, value: undefined };
  } catch (error) {
    return failureOf(error);
  }
}
