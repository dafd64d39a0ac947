/**
 * Bans, as operators see, make and end them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { ControlParts } from './parts.ts';

export function banHandlers({ bans }: ControlParts): ControlHandlers {
  return {
    'ban.list': () => ({ bans: bans.list() }),
    'ban.add': async ({ network, forMs, reason }) => ({
      ban: await bans.add(network, forMs, reason),
    }),
    'ban.remove': async ({ network }) => {
      await bans.remove(network);
      return {};
    },
  };
}
