/**
 * Bounds of the admin API.
 *
 * Runs in: edge (main thread).
 */

import { mebibyte } from '../../../../base/units.ts';

/** Of one request. */
export const bodyBytesMax = 4 * mebibyte;
/** What an act hands out on the way stands in one answer. */
export const itemsMax = 10_000;
/** Acts under way by HTTP. */
export const actsMax = 32;
/** Of one account or key. */
export const requestsPerMinuteMax = 600;
/** Of one address that asks for tokens, or shows none that is good. */
export const strangerRequestsPerMinuteMax = 300;
/** Of a part of a path: an address in percent-encoding. */
export const pathPartLengthMax = 1_000;
