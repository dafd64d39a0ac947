/**
 * Addresses that mail must not go to, and what came back that put them there.
 *
 * Contract:
 * - An entry is of one tenant, address, stream and reason; each comes and goes alone. The stream "" is all streams.
 * - The list normalises addresses as the account directory does; entries come back normalised.
 * - `find` answers at once. A tenant without entries costs next to nothing.
 * - A write resolves when it is durable and this process's reads see it. It rejects with `MailError`
 *   `argument-invalid`. Written again, an entry that is there changes nothing.
 * - `add` may carry facts to be told as events: they are durable in the same commit and wait in `untold` until `told`
 *   takes them out, so that a crash between the two tells them again and never forgets them.
 */

import type { TenantId } from '../base/ids.ts';

/** Places stand in rows that outlive this build: new ones are added at the end only. */
export const suppressionReasons = ['hard-bounce', 'complaint', 'unsubscribe', 'manual'] as const;
export type SuppressionReason = (typeof suppressionReasons)[number];

/** As `DeliveryTerms.campaign`: at most so many characters of printable ASCII, without spaces. */
export const streamLengthMax = 64;
export const suppressionNoteLengthMax = 200;
/** Of one address. Past it an entry counts for all streams. */
export const suppressionsPerAddressMax = 200;

export interface Suppression {
  readonly tenant: TenantId;
  readonly address: string;
  /** "" is all streams. */
  readonly stream: string;
  readonly reason: SuppressionReason;
  readonly sinceMs: number;
  /** 0: for good. */
  readonly untilMs: number;
  /** Where it comes from, in words; may be "". */
  readonly note: string;
}

/** Which of an address's entries; absent: any. */
export interface SuppressionFilter {
  readonly stream?: string;
  readonly reason?: SuppressionReason;
}

export interface SuppressionPageRequest extends SuppressionFilter {
  readonly tenant: TenantId;
  readonly address?: string;
  /** Where the last page ended. */
  readonly after?: string;
  readonly limit: number;
  readonly nowMs: number;
}

export interface SuppressionPage {
  readonly entries: readonly Suppression[];
  /** Absent: there are no more. */
  readonly next?: string;
}

export interface SuppressionsAdded {
  readonly added: number;
  /** They were there. */
  readonly unchanged: number;
  /** Places of what is no address. */
  readonly invalid: readonly number[];
}

/** A fact that waits to be told, as bytes of its teller. */
export interface Untold {
  readonly place: number;
  readonly fact: Uint8Array;
}

export interface SuppressionReader {
  /** Why mail of this tenant and stream must not go to the address; undefined: it may. */
  find(
    tenant: TenantId,
    stream: string,
    address: string,
    nowMs: number,
  ): SuppressionReason | undefined;
}

export interface SuppressionList extends SuppressionReader {
  /** Addresses of the tenant that have entries, those run out but not yet removed among them. */
  count(tenant: TenantId): number;
  /** By domain, then by local part. */
  page(request: SuppressionPageRequest): SuppressionPage;
  add(entries: readonly Suppression[], facts?: readonly Uint8Array[]): Promise<SuppressionsAdded>;
  /** Answers how many went. */
  remove(tenant: TenantId, address: string, filter: SuppressionFilter): Promise<number>;
  /**
   * Counts a bounce that was not final, once for each `bounce`, and answers how many there were since `sinceMs`.
   */
  countBounce(
    tenant: TenantId,
    address: string,
    bounce: string,
    nowMs: number,
    sinceMs: number,
  ): Promise<number>;
  /** Takes out entries that ran out, at most `limit`; answers how many. */
  sweep(nowMs: number, limit: number): Promise<number>;
  /** Oldest first. */
  untold(limit: number): readonly Untold[];
  told(places: readonly number[]): Promise<void>;
  /** Small values by name, such as keys. */
  value(name: string): Uint8Array | undefined;
  /** By name. */
  values(prefix: string): readonly { readonly name: string; readonly value: Uint8Array }[];
  putValue(name: string, value: Uint8Array | undefined): Promise<void>;
  close(): Promise<void>;
}
