/**
 * Batches on disk: of each a head, which says how far it is, and its request in pieces.
 *
 * Runs in:   main thread.
 * Limits:    pieces of `pieceBytes`.
 * Invariant: head and request come in one commit. The request goes with the commit that ends its batch.
 */

import { Buffer } from 'node:buffer';
import { view } from '../../base/bytes.ts';
import type { ApiKeyId, TenantId } from '../../base/ids.ts';
import { kibibyte } from '../../base/units.ts';
import type { BatchFailure, BatchView } from '../../edge/protocols/http/api/batches.ts';
import type { MessageGiven } from '../../edge/protocols/http/api/draft.ts';
import type { Peer } from '../../edge/protocols/http/api/submit.ts';
import type { IndexChange, ShardIndex } from '../../ports/shard-index.ts';

const pieceBytes = 256 * kibibyte;
const headKind = 1;
const pieceKind = 2;

export interface BatchHead {
  readonly id: string;
  readonly tenant: TenantId;
  readonly key: ApiKeyId;
  readonly peer: Peer;
  readonly pool?: string;
  readonly idempotencyKey?: string;
  /** Of the request, in JSON. */
  readonly bytes: number;
  readonly acceptedMs: number;
  readonly endedMs: number;
  readonly state: BatchView['state'];
  readonly fault: string;
  readonly ids: readonly (string | null)[];
  readonly failures: readonly BatchFailure[];
}

export class BatchRows {
  readonly #table: ShardIndex;

  constructor(table: ShardIndex) {
    this.#table = table;
  }

  /** Oldest first. */
  heads(): readonly BatchHead[] {
    const rows = this.#table.range({ from: keyOf(headKind, ''), to: keyOf(headKind + 1, '') });
    return rows.map(({ value }) => headOf(value));
  }

  head(id: string): BatchHead | undefined {
    const value = this.#table.get(keyOf(headKind, id));
    return value === undefined ? undefined : headOf(value);
  }

  given(id: string): MessageGiven {
    const pieces = this.#table.range(piecesOf(id)).map(({ value }) => value);
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as MessageGiven;
  }

  /** On disk when it resolves. */
  async begin(head: BatchHead, request: Buffer): Promise<void> {
    const changes: IndexChange[] = [putHead(head)];
    for (let at = 0; at < request.byteLength; at += pieceBytes) {
      const value = request.subarray(at, at + pieceBytes);
      changes.push({ put: pieceKey(head.id, at / pieceBytes), value });
    }
    await this.#table.commit(changes);
  }

  async keep(head: BatchHead): Promise<void> {
    await this.#table.commit([putHead(head)]);
  }

  /** Its request is needed no more; `forgotten` are those whose heads go, too. */
  async end(head: BatchHead, forgotten: readonly string[]): Promise<void> {
    const { from, to } = piecesOf(head.id);
    await this.#table.commit([
      putHead(head),
      { removeFrom: from, to },
      ...forgotten.map((id) => ({ remove: keyOf(headKind, id) })),
    ]);
  }

  async close(): Promise<void> {
    await this.#table.close();
  }
}

function putHead(head: BatchHead): IndexChange {
  return { put: keyOf(headKind, head.id), value: Buffer.from(JSON.stringify(head)) };
}

function headOf(value: Uint8Array): BatchHead {
  return JSON.parse(view(value).toString('utf8')) as BatchHead;
}

function keyOf(kind: number, id: string): Buffer {
  return Buffer.concat([Buffer.of(kind), Buffer.from(id, 'latin1')]);
}

function pieceKey(id: string, number: number): Buffer {
  const place = Buffer.alloc(4);
  place.writeUInt32BE(number);
  return Buffer.concat([keyOf(pieceKind, id), place]);
}

function piecesOf(id: string): { readonly from: Buffer; readonly to: Buffer } {
  return { from: pieceKey(id, 0), to: pieceKey(id, 0xffff_ffff) };
}
