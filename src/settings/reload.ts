/**
 * What a reload (SIGHUP) may change: live settings take their new values, the others keep the ones of the start.
 *
 * Runs in:   main thread; pure.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Entries, Section } from './field.ts';
import { type Settings, schema } from './schema.ts';

export interface Reloaded {
  /** What runs from now on. */
  readonly settings: Settings;
  /** Paths whose new values apply. */
  readonly applied: readonly string[];
  /** Paths whose new values wait for a restart. */
  readonly needRestart: readonly string[];
}

export function reloaded(running: Settings, wanted: Settings): Reloaded {
  const applied: string[] = [];
  const needRestart: string[] = [];
  const settings = mix(schema, running, wanted, '', applied, needRestart);
  return { settings: settings as Settings, applied, needRestart };
}

type Tree = Readonly<Record<string, unknown>>;

function mix(
  from: Section<Entries>,
  running: unknown,
  wanted: unknown,
  prefix: string,
  applied: string[],
  needRestart: string[],
): Tree {
  const mixed: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(from.entries)) {
    const path = prefix + name;
    const [before, after] = [(running as Tree)[name], (wanted as Tree)[name]];
    if (entry.kind === 'section') {
      mixed[name] = mix(entry, before, after, `${path}.`, applied, needRestart);
      continue;
    }
    const isLive = entry.reload === 'live';
    mixed[name] = isLive ? after : before;
    if (!isDeepStrictEqual(before, after)) (isLive ? applied : needRestart).push(path);
  }
  return mixed;
}
