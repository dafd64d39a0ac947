/**
 * Where things stand in the data folder, and the numbers that follow from settings and machine.
 *
 * Runs in:   anywhere; pure.
 */

import { join } from 'node:path';
import type { ListenAddress } from './networks.ts';
import type { Settings } from './schema.ts';

type WithData = Pick<Settings, 'data'>;

export const controlSocketPath = (settings: WithData): string =>
  join(settings.data.dir, 'control.sock');
export const shardsFolder = (settings: WithData): string => join(settings.data.dir, 'shards');
export const directoryFolder = (settings: WithData): string => join(settings.data.dir, 'directory');
export const keysFolder = (settings: WithData): string => join(settings.data.dir, 'keys');
export const tlsFolder = (settings: WithData): string => join(settings.data.dir, 'tls');

/** `data/shards/007`. */
export function shardFolder(settings: WithData, shard: number): string {
  return join(shardsFolder(settings), String(shard).padStart(3, '0'));
}

/** Shards of a new data folder where `shards` is 0. */
export function automaticShards(cores: number): number {
  return Math.min(64, Math.max(8, 4 * cores));
}

/** Every list of listening addresses with the name of its setting. */
export function listenersOf(
  settings: Settings,
): readonly (readonly [path: string, addresses: readonly ListenAddress[]])[] {
  const named = Object.entries(settings.listen).map(
    ([name, addresses]) => [`listen.${name}`, addresses] as const,
  );
  return [...named, ['metrics.listen', settings.metrics.listen]];
}
