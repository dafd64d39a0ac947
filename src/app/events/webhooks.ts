/**
 * Webhooks of all tenants: what is asked of them, and a runner for each that is not paused.
 *
 * Runs in:   main thread.
 * Limits:    `webhooksMax` in all, `webhooksPerTenantMax` of a tenant; URLs of `urlLengthMax`.
 * Invariant: what is answered is durable. A secret is in one answer, of `add` or `rotate`. What is asked of one webhook
 *            comes after what was asked before.
 */

import type { EventNote } from '../../actors/asks/event-asks.ts';
import { type EventKind, eventKinds } from '../../actors/asks/trace-asks.ts';
import type { WebhookInput } from '../../actors/asks/webhook-control.ts';
import { MailError } from '../../base/errors.ts';
import type { TenantId } from '../../base/ids.ts';
import { type EventReader, placesOf } from './event-reader.ts';
import type { Webhook, WebhookRows } from './webhook-rows.ts';
import { type RunnerParts, WebhookRunner } from './webhook-runner.ts';
import { rotated } from './webhook-signature.ts';

export interface WebhooksParts extends Omit<RunnerParts, 'reader' | 'onPaused'> {
  readonly reader: EventReader;
  readonly rows: WebhookRows;
  readonly shards: number;
  readonly requireHttps: boolean;
  readonly overlapMs: number;
  /** Puts an operator's act into the event log. */
  readonly note: (note: EventNote) => void;
}

const webhooksMax = 200;
const webhooksPerTenantMax = 20;
const urlLengthMax = 2_048;
const secretBytes = 32;
const campaignText = /^[!-~]{1,64}$/;

export class Webhooks {
  readonly #parts: WebhooksParts;
  readonly #runners = new Map<number, WebhookRunner>();
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
  }

  start(): void {
    for (const webhook of this.#parts.rows.all()) this.#runOn(webhook);
  }

  list(tenant?: TenantId): readonly Webhook[] {
    const all = this.#parts.rows.all();
    return tenant === undefined ? all : all.filter((webhook) => webhook.tenant === tenant);
  }

  /** Epoch milliseconds; 0: no try waits. */
  nextTryMs({ id }: Webhook): number {
    return this.#runners.get(id)?.nextTryMs ?? 0;
  }

  /** Age of the oldest event it was not sent; 0: it was sent all, or is paused. */
  lagMs({ id }: Webhook): number {
    return this.#runners.get(id)?.lag.ms ?? 0;
  }

  /** From now on. @throws MailError `argument-invalid`, `not-possible-now` */
  add(tenant: TenantId, input: WebhookInput): Promise<{ webhook: Webhook; secret: string }> {
    return this.#inTurn(async () => {
      const { rows, reader, clock, requireHttps } = this.#parts;
      const url = urlOf(input.url, requireHttps);
      const kinds = kindsOf(input.types ?? []);
      const { campaign = '' } = input;
      if (campaign !== '' && !campaignText.test(campaign)) throw invalid('no campaign', campaign);
      const isFull = rows.all().length >= webhooksMax;
      if (isFull || this.list(tenant).length >= webhooksPerTenantMax) {
        throw new MailError('not-possible-now', 'there are as many webhooks as there may be');
      }
      const secret = this.#newSecret();
      const webhook = await rows.create({
        ...{ tenant, url, kinds, campaign, createdMs: clock.nowMs() },
        secrets: [{ text: secret, untilMs: 0 }],
        ...{ isPaused: false, reason: '', places: await reader.end(), sinceMs: 0 },
        ...{ sentCount: 0, failureCount: 0, gapCount: 0, lastSentMs: 0, failingSinceMs: 0 },
      });
      this.#note(webhook, 'webhook-added');
      this.#runOn(webhook);
      return { webhook, secret };
    });
  }

  remove(id: number, tenant?: TenantId): Promise<void> {
    return this.#inTurn(async () => {
      const webhook = this.#one(id, tenant);
      await this.#stop(id);
      await this.#parts.rows.remove(id);
      this.#note(webhook, 'webhook-removed');
    });
  }

  pause(id: number, tenant?: TenantId): Promise<Webhook> {
    const facts = { isPaused: true, reason: 'paused by its owner' };
    return this.#change(id, tenant, 'webhook-paused', () => facts);
  }

  resume(id: number, tenant?: TenantId): Promise<Webhook> {
    const facts = { isPaused: false, reason: '', failingSinceMs: 0 };
    return this.#change(id, tenant, 'webhook-resumed', () => facts);
  }

  /** A paused one begins there once it is resumed. @throws MailError `argument-invalid`, `not-found` */
  replay(id: number, from: string, tenant?: TenantId): Promise<Webhook> {
    return this.#change(id, tenant, 'webhook-replayed', async () => {
      const { shards, reader } = this.#parts;
      if (from === 'end') return { places: await reader.end(), sinceMs: 0 };
      const sinceMs = /^\d{4}-\d\d-\d\d/.test(from) ? Date.parse(from) : Number.NaN;
      if (Number.isNaN(sinceMs)) return { places: placesOf(from, shards), sinceMs: 0 };
      return { places: placesOf('start', shards), sinceMs };
    });
  }

  async rotate(id: number, tenant?: TenantId): Promise<{ webhook: Webhook; secret: string }> {
    const { clock, overlapMs } = this.#parts;
    const secret = this.#newSecret();
    const webhook = await this.#change(id, tenant, 'webhook-rotated', ({ secrets }) => ({
      secrets: rotated(secrets, secret, clock.nowMs(), overlapMs),
    }));
    return { webhook, secret };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await Promise.all([...this.#runners.keys()].map((id) => this.#stop(id)));
    await this.#parts.rows.close();
  }

  #change(
    id: number,
    tenant: TenantId | undefined,
    what: string,
    changes: (webhook: Webhook) => Partial<Webhook> | Promise<Partial<Webhook>>,
  ): Promise<Webhook> {
    return this.#inTurn(async () => {
      const wanted = await changes(this.#one(id, tenant));
      // What it sends meanwhile must not move the cursor behind our back.
      await this.#stop(id);
      const changed = await this.#parts.rows.change(id, wanted);
      if (changed === undefined) throw new MailError('not-found', `webhook ${id}`);
      this.#note(changed, what);
      this.#runOn(changed);
      return changed;
    });
  }

  /** One after the other: two that change one webhook at once would each undo what the other did. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  #runOn(webhook: Webhook): void {
    if (webhook.isPaused || this.#isClosed) return;
    const onPaused = (paused: Webhook) => this.#note(paused, 'webhook-paused-itself');
    this.#runners.set(webhook.id, new WebhookRunner({ ...this.#parts, onPaused }, webhook.id));
  }

  async #stop(id: number): Promise<void> {
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    await runner?.stop();
  }

  #one(id: number, tenant: TenantId | undefined): Webhook {
    const webhook = this.#parts.rows.get(id);
    if (webhook === undefined || (tenant !== undefined && webhook.tenant !== tenant)) {
      throw new MailError('not-found', `webhook ${id}`);
    }
    return webhook;
  }

  #note({ id, tenant, url, reason }: Webhook, what: string): void {
    const detail = [`webhook ${id}`, url, reason].filter((word) => word !== '').join(' ');
    this.#parts.note({ atMs: this.#parts.clock.nowMs(), tenant, what, detail, by: 'webhooks' });
  }

  #newSecret(): string {
    return `whsec_${Buffer.from(this.#parts.random.bytes(secretBytes)).toString('base64url')}`;
  }
}

/** @throws MailError `argument-invalid` */
function urlOf(text: string, requireHttps: boolean): string {
  const url = URL.parse(text);
  if (url === null || text.length > urlLengthMax) throw invalid('no URL', text);
  if (url.protocol !== 'https:' && (requireHttps || url.protocol !== 'http:')) {
    throw invalid(requireHttps ? 'it must begin with https://' : 'no https or http URL', text);
  }
  if (url.username !== '' || url.password !== '') throw invalid('a URL with a password', text);
  url.hash = '';
  return url.href;
}

function kindsOf(types: readonly string[]): readonly EventKind[] {
  for (const type of types) {
    if (!(eventKinds as readonly string[]).includes(type)) throw invalid('no type of event', type);
  }
  return [...new Set(types)] as EventKind[];
}

function invalid(why: string, given: string): MailError {
  return new MailError('argument-invalid', `${why}: ${JSON.stringify(given.slice(0, 200))}`);
}
