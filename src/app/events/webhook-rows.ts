/**
 * Webhooks as they are kept: a row each in a table of their own, with the cursor of what was taken.
 *
 * Runs in:   main thread.
 * Limits:    `webhooksMax` of them; all are in memory.
 * Invariant: a write is durable when its promise resolves. Secrets stand in the folder as signing keys do: readable by
 *            the server alone.
 */

import { Buffer } from 'node:buffer';
import type { EventKind } from '../../actors/asks/trace-asks.ts';
import type { TenantId } from '../../base/ids.ts';
import type { ShardIndex } from '../../ports/shard-index.ts';
import type { Place } from './event-reader.ts';

export interface WebhookSecret {
  /** As told to its owner. */
  readonly text: string;
  /** Signed with until then; 0: it is the newest. */
  readonly untilMs: number;
}

export interface Webhook {
  readonly id: number;
  readonly tenant: TenantId;
  readonly url: string;
  /** Empty: all. */
  readonly kinds: readonly EventKind[];
  /** "": all. */
  readonly campaign: string;
  readonly createdMs: number;
  /** The newest first. */
  readonly secrets: readonly WebhookSecret[];
  readonly isPaused: boolean;
  readonly reason: string;
  readonly places: readonly Place[];
  /** Events from before are passed over; 0: none are. */
  readonly sinceMs: number;
  readonly sentCount: number;
  readonly failureCount: number;
  readonly gapCount: number;
  readonly lastSentMs: number;
  /** 0: the last request was taken. */
  readonly failingSinceMs: number;
}

const nextKey = Buffer.from('mnext');

export class WebhookRows {
  readonly #table: ShardIndex;
  readonly #webhooks = new Map<number, Webhook>();

  constructor(table: ShardIndex) {
    this.#table = table;
    for (const { value } of table.range({ from: Buffer.from('w'), to: Buffer.from('x') })) {
      const webhook = JSON.parse(Buffer.from(value).toString()) as Webhook;
      this.#webhooks.set(webhook.id, webhook);
    }
  }

  all(): readonly Webhook[] {
    return [...this.#webhooks.values()];
  }

  get(id: number): Webhook | undefined {
    return this.#webhooks.get(id);
  }

  async create(given: Omit<Webhook, 'id'>): Promise<Webhook> {
    const value = this.#table.get(nextKey);
    const id = value === undefined ? 1 : Number(Buffer.from(value).toString());
    const webhook = { ...given, id };
    this.#webhooks.set(id, webhook);
    const next = { put: nextKey, value: Buffer.from(String(id + 1)) };
    await this.#table.commit([next, { put: keyOf(id), value: packed(webhook) }]);
    return webhook;
  }

  /** Changes what it is now; undefined: it was removed meanwhile. */
  async change(id: number, changes: Partial<Webhook>): Promise<Webhook | undefined> {
    const webhook = this.#webhooks.get(id);
    if (webhook === undefined) return undefined;
    const next = { ...webhook, ...changes };
    this.#webhooks.set(id, next);
    await this.#table.commit([{ put: keyOf(id), value: packed(next) }]);
    return next;
  }

  async remove(id: number): Promise<void> {
    this.#webhooks.delete(id);
    await this.#table.commit([{ remove: keyOf(id) }]);
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}

function keyOf(id: number): Buffer {
  const key = Buffer.alloc(5, 'w');
  key.writeUInt32BE(id, 1);
  return key;
}

function packed(webhook: Webhook): Buffer {
  return Buffer.from(JSON.stringify(webhook));
}
