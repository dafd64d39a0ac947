/**
 * Octets that mean something in a multi-line response.
 *
 * Runs in: anywhere; pure.
 * Specs:   RFC 1939 §3.
 */

import { latin1 } from '../../../base/bytes.ts';

export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const dot = 0x2e;

export const lineEnd = latin1('\r\n');
/** Ends a multi-line response. */
export const termination = latin1('.\r\n');
