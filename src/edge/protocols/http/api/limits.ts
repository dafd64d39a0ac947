/**
 * Bounds of the HTTP API: what operators set for all mail, and what is design.
 *
 * Runs in: edge (main thread).
 */

import { kibibyte, mebibyte } from '../../../../base/units.ts';
import type { Settings } from '../../../../settings/schema.ts';

export const attachmentsMax = 100;
export const headersMax = 100;
export const headerValueLengthMax = 8 * kibibyte;
export const subjectLengthMax = 2 * kibibyte;
/** Of one address with its display name. */
export const addressLengthMax = 1_000;
export const filenameLengthMax = 255;
/** Messages of one request. */
export const copiesMax = 1_000;
export const variablesMax = 100;
export const variableLengthMax = 8 * kibibyte;
/** Texts and attachments of all messages of one request: attachments are encoded for each. */
export const batchBytesMax = 256 * mebibyte;

export interface ApiPolicy {
  readonly hostname: string;
  readonly messageBytesMax: number;
  readonly lineBytesMax: number;
  readonly recipientsMax: number;
  /** 0: mail cannot be scheduled. */
  readonly holdMsMax: number;
  /** Batches wait in clear on disk: not where mail under way is encrypted there. */
  readonly mayDefer: boolean;
  /** 0: as often as it likes. */
  readonly eventReadsPerMinuteMax: number;
  readonly eventWaitsPerKeyMax: number;
  readonly eventWaitsMax: number;
}

export function apiPolicy(settings: Settings): ApiPolicy {
  const { hostname, smtp, relay, api, store } = settings;
  return {
    hostname,
    messageBytesMax: smtp.messageBytesMax,
    lineBytesMax: smtp.lineBytesMax,
    recipientsMax: smtp.recipientsMax,
    holdMsMax: relay.holdMsMax,
    mayDefer: store.transitKey === '',
    eventReadsPerMinuteMax: api.eventReadsPerMinuteMax,
    eventWaitsPerKeyMax: api.eventWaitsPerKeyMax,
    eventWaitsMax: api.eventWaitsMax,
  };
}

/** Base64 makes four octets of three, and JSON adds its own. */
export function requestBytesMax({ messageBytesMax }: ApiPolicy): number {
  return Math.ceil((messageBytesMax * 4) / 3) + mebibyte;
}
