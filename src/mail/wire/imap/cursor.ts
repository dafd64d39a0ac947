/**
 * Where a parser stands in a command, and what went wrong.
 *
 * Runs in:   anywhere; pure; hot: a session or a thread has one and opens it anew for each command.
 * Invariant: `at` never passes `end`. The first fault stays: what is tried after it changes nothing.
 */

import { Buffer } from 'node:buffer';
import { nestingDepthMax } from './limits.ts';

/**
 * How a fault is answered: `syntax` by BAD; `charset` by NO [BADCHARSET (US-ASCII UTF-8)]; `name` (no mailbox name
 * anybody could have) by NO [CANNOT]; `limit` by NO [LIMIT].
 */
export type FaultKind = 'syntax' | 'charset' | 'name' | 'limit';

const nothing = Buffer.alloc(0);

export class Cursor {
  bytes: Buffer = nothing;
  at = 0;
  end = 0;
  /** Lists and keys that are open. */
  depth = 0;
  /** Names are UTF-8: the client enabled UTF8=ACCEPT or IMAP4rev2 (RFC 9051 §5.1, RFC 9755 §3). */
  isUtf8 = false;
  /** SEARCH may name a charset: not once the client enabled UTF8=ACCEPT (RFC 6855 §3). */
  takesCharset = true;
  /** Text for a BAD response; "" while all is well. Never the client's own octets. */
  fault = '';
  faultAt = -1;
  faultKind: FaultKind = 'syntax';

  open(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.depth = 0;
    this.fault = '';
    this.faultAt = -1;
    this.faultKind = 'syntax';
    return this;
  }

  /** Lets go of the bytes: an idle session keeps no chunk alive. */
  close(): void {
    this.open(nothing, 0, 0);
  }

  /** The octet that comes next; -1 at the end. */
  peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  /** The octet behind it; -1 past the end. */
  peekSecond(): number {
    return this.at + 1 < this.end ? this.bytes[this.at + 1]! : -1;
  }

  isAtEnd(): boolean {
    return this.at >= this.end;
  }
}

export function fail(cursor: Cursor, text: string, kind: FaultKind = 'syntax'): undefined {
  if (cursor.fault === '') {
    cursor.fault = text;
    cursor.faultAt = cursor.at;
    cursor.faultKind = kind;
  }
  return undefined;
}

/** Opens one level of nesting; whoever got `true` takes it back by `cursor.depth--`. */
export function descend(cursor: Cursor): boolean {
  if (cursor.depth >= nestingDepthMax) {
    fail(cursor, 'Nested too deep');
    return false;
  }
  cursor.depth++;
  return true;
}
