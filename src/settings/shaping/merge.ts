/**
 * One file of shaping rules over those before it.
 *
 * Runs in: anywhere; pure.
 */

import type { ShapingFile } from './read.ts';
import type { ShapingRules } from './rules.ts';

/** A provider or a response rule of a later file stands in place of one of its name. */
export function mergedShaping(before: ShapingRules, file: ShapingFile): ShapingRules {
  const providers = new Map(before.providers.map((each) => [each.name, each]));
  for (const provider of file.providers) providers.set(provider.name, provider);
  const replaced = new Set([...file.off, ...file.responses.map(({ name }) => name)]);
  return {
    providers: [...providers.values()],
    limits: [...before.limits, ...file.limits],
    responses: [...file.responses, ...before.responses.filter(({ name }) => !replaced.has(name))],
  };
}
