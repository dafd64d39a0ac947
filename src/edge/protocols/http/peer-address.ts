/**
 * Whose request it is, behind a proxy or not.
 *
 * Runs in: edge (main thread).
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isDialable } from '../../../base/dialable.ts';
import { plainAddress } from '../../../base/networks.ts';

/** A proxy of ours is near, and adds the last word of the field; a stranger's word counts for nothing. */
export function peerAddress({
  socket,
  headers,
}: Pick<IncomingMessage, 'socket' | 'headers'>): string {
  const peer = plainAddress(socket.remoteAddress ?? '');
  if (isDialable(peer)) return peer;
  const last = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)!;
  const forwarded = plainAddress(last.trim());
  return isIP(forwarded) === 0 ? peer : forwarded;
}
