/**
 * Brings one webhook the events it asked for: reads behind its cursor, sends a batch, moves the cursor on.
 *
 * Runs in:   main thread; nothing of mail waits for it.
 * Limits:    a batch has `batchCountMax` events and `batchBytesMax` octets, one event at least; one request is open at
 *            a time; between two tries `retryMsMax` at most.
 * Invariant: the cursor passes an event only after the answer to it was 2xx and the cursor is durable, so each comes at
 *            least once; batches follow each other, so events of a message come in their order. A webhook that does not
 *            answer holds nothing but its cursor.
 */

import { Buffer } from 'node:buffer';
import type { EventView } from '../../actors/asks/control.ts';
import type { EventFilter } from '../../actors/asks/event-asks.ts';
import { eventNumbers } from '../../actors/asks/trace-asks.ts';
import { signatureHeader } from '../../base/body-signature.ts';
import type { Log } from '../../base/log.ts';
import { minuteMs, secondMs } from '../../base/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { IndexError } from '../../ports/shard-index.ts';
import type { WebPoster } from '../../ports/web-poster.ts';
import type { EventPage, EventReader } from './event-reader.ts';
import { Lag } from './lag.ts';
import type { Webhook, WebhookRows } from './webhook-rows.ts';
import { signatureOf } from './webhook-signature.ts';

export interface RunnerParts {
  readonly reader: Pick<EventReader, 'read' | 'wait'>;
  readonly rows: WebhookRows;
  readonly poster: WebPoster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: {
    readonly batchCountMax: number;
    readonly batchBytesMax: number;
    readonly pauseAfterMs: number;
  };
  /** It paused itself. */
  readonly onPaused: (webhook: Webhook) => void;
}

const waitMs = 30 * secondMs;
const retryMsMin = secondMs;
const retryMsMax = 5 * minuteMs;
/** Places without an event of interest are noted this often only: read again they cost no request. */
const idlePlacesMs = minuteMs;
/** The receiver says that it is gone for good (RFC 9110 §15.5.11). */
const gone = 410;

export class WebhookRunner {
  readonly #parts: RunnerParts;
  readonly #id: number;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #triesFailed = 0;
  #placesNotedMs: number;
  readonly lag: Lag;
  /** Instant of the next try; 0: none waits. */
  nextTryMs = 0;

  constructor(parts: RunnerParts, id: number) {
    this.#parts = parts;
    this.#id = id;
    this.lag = new Lag(parts.clock);
    this.#placesNotedMs = parts.clock.monotonicMs();
    this.#done = this.#run();
  }

  /** Resolves when nothing of it is under way. */
  stop(): Promise<void> {
    this.#end.abort();
    return this.#done;
  }

  async #run(): Promise<void> {
    let places = this.#parts.rows.get(this.#id)?.places ?? [];
    for (;;) {
      const webhook = this.#parts.rows.get(this.#id);
      if (webhook === undefined || webhook.isPaused || this.#end.signal.aborted) return;
      try {
        places = await this.#next(webhook, places);
      } catch (error) {
        if (!(error instanceof IndexError)) throw error;
        // The cursor could not be kept: what it covers is sent again.
        this.#parts.log.warn(
          { webhook: this.#id, error: String(error) },
          'a webhook cannot be kept',
        );
        await this.#sleep(retryMsMax);
      }
    }
  }

  async #next(webhook: Webhook, places: Webhook['places']): Promise<Webhook['places']> {
    const page = await this.#read(webhook, places);
    if (this.#end.signal.aborted) return places;
    if (page === undefined) {
      await this.#sleep(retryMsMin);
      return places;
    }
    this.lag.waits(page.events[0]);
    if (page.events.length === 0) return await this.#passOver(page);
    return await this.#send(webhook, page, places);
  }

  async #read(webhook: Webhook, places: Webhook['places']): Promise<EventPage | undefined> {
    const { reader, rows, limits, log } = this.#parts;
    const page = await reader.read(places, limits.batchCountMax, filterOf(webhook));
    // A shard that cannot be asked keeps its place: the others go on.
    if (page.unread.length > 0 && page.events.length === 0) return undefined;
    if (page.isGone) {
      log.warn({ webhook: this.#id }, 'a webhook missed events that are kept no more');
      await rows.change(this.#id, { gapCount: webhook.gapCount + 1 });
    }
    return page;
  }

  /** Nothing of interest up to here. */
  async #passOver(page: EventPage): Promise<Webhook['places']> {
    const { rows, reader, clock } = this.#parts;
    const places = page.placesAfter();
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#placesNotedMs >= idlePlacesMs) {
      this.#placesNotedMs = nowMs;
      await rows.change(this.#id, { places });
    }
    if (!page.hasMore) await reader.wait(waitMs, this.#end.signal);
    return places;
  }

  async #send(
    webhook: Webhook,
    page: EventPage,
    places: Webhook['places'],
  ): Promise<Webhook['places']> {
    const { clock, rows, poster, limits } = this.#parts;
    const { body, count } = bodyOf(page.events, limits.batchBytesMax);
    const nowMs = clock.nowMs();
    const posted = await poster.post(
      webhook.url,
      {
        'content-type': 'application/json',
        'user-agent': 'Chaski',
        'chaski-webhook': String(webhook.id),
        [signatureHeader]: signatureOf(webhook.secrets, nowMs, body),
      },
      body,
      this.#end.signal,
    );
    if (this.#end.signal.aborted) return places;
    if (!posted.ok || posted.status < 200 || posted.status > 299) {
      const reason = posted.ok ? `status ${posted.status}` : posted.detail;
      await this.#failed(reason, posted.ok ? posted.status : 0);
      return places;
    }
    this.#triesFailed = 0;
    this.lag.waits(page.events[count] ?? (page.hasMore ? page.events.at(-1) : undefined));
    const next = page.placesAfter(count);
    this.#placesNotedMs = clock.monotonicMs();
    const sentCount = (rows.get(this.#id) ?? webhook).sentCount + count;
    const taken = { places: next, sentCount, lastSentMs: nowMs, failingSinceMs: 0, reason: '' };
    await rows.change(this.#id, taken);
    return next;
  }

  async #failed(reason: string, status: number): Promise<void> {
    const { clock, rows, random, log, limits, onPaused } = this.#parts;
    const webhook = rows.get(this.#id);
    if (webhook === undefined) return;
    const nowMs = clock.nowMs();
    const failingSinceMs = webhook.failingSinceMs === 0 ? nowMs : webhook.failingSinceMs;
    const isOver = nowMs - failingSinceMs >= limits.pauseAfterMs || status === gone;
    const failureCount = webhook.failureCount + 1;
    const facts = { failingSinceMs, failureCount, reason, isPaused: isOver };
    const changed = await rows.change(this.#id, facts);
    const fields = { webhook: this.#id, url: webhook.url, reason };
    if (isOver && changed !== undefined) {
      log.error(fields, 'a webhook pauses itself: it failed for too long');
      onPaused(changed);
      return;
    }
    if (this.#triesFailed === 0) log.warn(fields, 'a webhook fails, and is tried again');
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#triesFailed, 20));
    this.#triesFailed++;
    await this.#sleep(delayMs * (0.75 + random.fraction() / 2));
  }

  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#end;
    if (signal.aborted) return;
    this.nextTryMs = clock.nowMs() + ms;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimer(ms, resolve);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort);
    await promise;
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    this.nextTryMs = 0;
  }
}

function filterOf({ tenant, kinds, campaign, sinceMs }: Webhook): EventFilter {
  return {
    tenant,
    ...(kinds.length === 0 ? {} : { kinds: kinds.map((kind) => eventNumbers[kind]) }),
    ...(campaign === '' ? {} : { campaign }),
    ...(sinceMs === 0 ? {} : { sinceMs }),
  };
}

/** As many events as fit, one at least. */
function bodyOf(events: readonly EventView[], bytesMax: number) {
  const parts: string[] = [];
  let bytes = 0;
  for (const { tenant: _, ...event } of events) {
    const text = JSON.stringify(event);
    bytes += Buffer.byteLength(text) + 1;
    if (parts.length > 0 && bytes > bytesMax) break;
    parts.push(text);
  }
  return { body: Buffer.from(`{"events":[${parts.join(',')}]}`), count: parts.length };
}
