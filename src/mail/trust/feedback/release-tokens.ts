/**
 * Signed tokens by which a link in a digest releases one message of a quarantine.
 *
 * Runs in:   edge; pure (time is an argument).
 * Limits:    a token is good until the instant in it.
 * Invariant: tags are compared in constant time. A token names an account by its number alone, and is good for its one
 *            message: whoever has it can release that, and nothing else.
 */

import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ReleaseFacts {
  readonly account: number;
  /** Of the message in its quarantine. */
  readonly id: number;
  readonly untilMs: number;
}

const saidBytes = 14;
const tagBytes = 16;

export function releaseToken(root: Uint8Array, { account, id, untilMs }: ReleaseFacts): string {
  const said = Buffer.alloc(saidBytes);
  said.writeUInt32BE(account, 0);
  said.writeUInt32BE(id, 4);
  said.writeUIntBE(untilMs, 8, 6);
  return Buffer.concat([said, tagOf(root, said)]).toString('base64url');
}

/** Undefined for what we did not make, or whose time is over. */
export function readReleaseToken(
  root: Uint8Array,
  token: string,
  nowMs: number,
): ReleaseFacts | undefined {
  if (!/^[A-Za-z0-9_-]{40}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  const said = bytes.subarray(0, saidBytes);
  if (!timingSafeEqual(tagOf(root, said), bytes.subarray(saidBytes))) return undefined;
  const facts = {
    account: said.readUInt32BE(0),
    id: said.readUInt32BE(4),
    untilMs: said.readUIntBE(8, 6),
  };
  return facts.untilMs < nowMs ? undefined : facts;
}

/** Its own use of the key: what was signed as something else is no token. */
function tagOf(root: Uint8Array, said: Uint8Array): Buffer {
  const mac = createHmac('sha256', root).update('release\0').update(said).digest();
  return mac.subarray(0, tagBytes);
}
