/**
 * One message found in files, or why it could not be read.
 *
 * Runs in: the CLI's process; plain data.
 */

import { mebibyte } from '../../base/units.ts';

/** A larger message is passed over: no server takes one. With line ends made whole it fits into one call. */
export const fileMessageBytesMax = 500 * mebibyte;

export type SourceItem =
  | {
      readonly kind: 'message';
      /** Where it stands, for words about it. */
      readonly place: string;
      readonly bytes: Uint8Array;
      /** System flags with their backslash, and keywords. */
      readonly flags: readonly string[];
      readonly internalMs: number;
      /** Its number in the source, for who notes how far an import is. */
      readonly uid?: number;
    }
  | { readonly kind: 'fault'; readonly place: string; readonly reason: string };
