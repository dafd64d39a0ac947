/**
 * What follows from settings: where the control socket stands, and all addresses listened on.
 *
 * Runs in:   anywhere; pure.
 */

import { join } from 'node:path';
import type { ListenAddress } from './networks.ts';
import type { Settings } from './schema.ts';

type WithData = Pick<Settings, 'data'>;

export const controlSocketPath = (settings: WithData): string =>
  join(settings.data.dir, 'control.sock');

/** Every list of listening addresses with the name of its setting. */
export function listenersOf(
  settings: Settings,
): readonly (readonly [path: string, addresses: readonly ListenAddress[]])[] {
  const named = Object.entries(settings.listen).map(
    ([name, addresses]) => [`listen.${name}`, addresses] as const,
  );
  return [
    ...named,
    ['metrics.listen', settings.metrics.listen],
    ['api.listen', settings.api.listen],
  ];
}
