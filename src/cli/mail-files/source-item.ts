/**
 * One message found in files, or why it could not be read.
 *
 * Runs in: the CLI's process; plain data.
 */

import { gibibyte } from '../../base/units.ts';

/** A larger message is passed over: no server takes one. */
export const fileMessageBytesMax = gibibyte;

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
