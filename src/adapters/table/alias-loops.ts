/**
 * Finds an alias, catch-all or role that would lead back to itself.
 *
 * Runs in:   the main thread; reads only, at once, at an operator's write.
 * Specs:     RFC 5321 §3.9 (an alias that leads to itself delivers to nobody).
 * Limits:    looks at `namesMax` names. What is past that, and loops that a deletion makes, the resolver cuts.
 */

import { joined, type SplitAddress, splitAddress, subaddressUser } from './addresses.ts';
import { type DirectoryReader, fallbackOf, findName } from './resolver.ts';

const namesMax = 10_000;

/**
 * The way from `start` back to itself, both ends named, or undefined. `reader` shows the directory as it would be;
 * `start` is a name in it, and `targets` what it leads to.
 */
export function findLoop(
  reader: DirectoryReader,
  start: string,
  targets: readonly string[],
): readonly string[] | undefined {
  const met = new Set<string>();
  // Depth first, by hand: chains may be as long as there are aliases.
  const open: { readonly path: readonly string[]; readonly target: string }[] = targets.map(
    (target) => ({ path: [start], target }),
  );
  for (let next = open.pop(); next !== undefined && met.size < namesMax; next = open.pop()) {
    const step = stepOf(reader, next.target);
    if (step === undefined) continue;
    const path = [...next.path, step.from];
    // A catch-all whose own target is not there (yet) falls back to itself: mail for it finds nobody, and no more.
    const isDangling = path.length === 2 && start.startsWith('*@');
    if (step.from === start && !isDangling) return path;
    if (step.from === start || met.has(step.from)) continue;
    met.add(step.from);
    for (const target of step.targets) open.push({ path, target });
  }
  return undefined;
}

interface Step {
  /** What leads on: an alias, or `*@domain` for a catch-all. */
  readonly from: string;
  readonly targets: readonly string[];
}

/** Undefined where the way ends: an account, a group, another server, nobody. */
function stepOf(reader: DirectoryReader, target: string): Step | undefined {
  const name = splitAddress(target);
  const domain = name === undefined ? undefined : reader.domain(name.domain);
  if (name === undefined || domain === undefined) return undefined;
  const row = findName(reader, name);
  if (row !== undefined) {
    // Groups lead to accounts and groups only.
    if (!('alias' in row)) return undefined;
    return { from: joined(aliasOf(reader, name)), targets: row.alias.targets };
  }
  const { isRole, next } = fallbackOf(reader, domain, name.localPart);
  if (typeof next !== 'string') return undefined;
  return { from: isRole ? joined(name) : `*@${domain.name}`, targets: [next] };
}

/** The name whose row `findName` found. */
function aliasOf(reader: DirectoryReader, name: SplitAddress): SplitAddress {
  if (reader.name(name) !== undefined) return name;
  return { localPart: subaddressUser(name.localPart)!, domain: name.domain };
}
