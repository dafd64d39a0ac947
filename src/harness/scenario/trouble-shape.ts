/**
 * What a scenario says is done to the server, and when.
 *
 * Runs in:   load generator.
 * Invariant: each step does one thing, and names only what there is.
 */

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type HostPort, parseHostPort } from '../addresses.ts';
import {
  choice,
  duration,
  type Field,
  FieldFault,
  list,
  optional,
  type Path,
  record,
  size,
  suited,
  text,
} from '../fields.ts';
import { isProcessName, processWants } from '../observe/process-ids.ts';
import {
  type BetweenPlan,
  signals,
  stepsCountMax,
  type TroubleKind,
  type TroublePlan,
  type TroubleStep,
  targetName,
} from '../trouble/trouble-plan.ts';

const betweenCountMax = 16;

/** A PID may be written as a number. */
const named = suited(text(processWants), isProcessName);
const processes: Field<string> = {
  read: (value, path) => named.read(typeof value === 'number' ? `${value}` : value, path),
  wants: processWants,
  schema: { type: ['string', 'integer'] },
};

const place = { schema: { type: 'string' } };
const hostPort: Field<HostPort> = { ...place, read: readHostPort, wants: 'HOST:PORT' };
const addressPort: Field<HostPort> = { ...place, read: readAddressPort, wants: 'ADDRESS:PORT' };
const proxy = record({ name: text('a name'), listen: addressPort, to: hostPort });
const resolver = record({ name: text('a name'), listen: addressPort, to: addressPort });

const way = text(`${targetName}, or the name of a proxy`);
const resolverName = text('the name of a resolver');
const step = record({
  at: duration(),
  for: optional(duration()),
  kill: optional(processes),
  stop: optional(processes),
  continue: optional(processes),
  signal: optional(choice(signals)),
  to: optional(processes),
  fill: optional(text('a folder')),
  leave: optional(size()),
  size: optional(size()),
  cut: optional(way),
  stall: optional(way),
  slow: optional(way),
  rate: optional(size()),
  refuse: optional(way),
  delay: optional(resolverName),
  by: optional(duration()),
  drop: optional(resolverName),
  servfail: optional(resolverName),
});
type StepValues = ReturnType<typeof step.read>;
type Key = keyof StepValues;

/** What belongs to each thing that can be done: keys it needs, and keys it may have. */
const verbs: Readonly<Partial<Record<Key, { readonly needs: Key[]; readonly may: Key[] }>>> = {
  kill: { needs: [], may: [] },
  stop: { needs: [], may: ['for'] },
  continue: { needs: [], may: [] },
  signal: { needs: ['to'], may: [] },
  fill: { needs: ['leave'], may: ['size', 'for'] },
  cut: { needs: [], may: [] },
  stall: { needs: [], may: ['for'] },
  slow: { needs: ['rate'], may: ['for'] },
  refuse: { needs: [], may: ['for'] },
  delay: { needs: ['by'], may: ['for'] },
  drop: { needs: [], may: ['for'] },
  servfail: { needs: [], may: ['for'] },
};

export const troubleShape = {
  proxies: optional(list(proxy, betweenCountMax)),
  resolvers: optional(list(resolver, betweenCountMax)),
  trouble: optional(list({ ...step, read: readStep }, stepsCountMax)),
};

interface TroubleValues {
  readonly proxies: readonly BetweenPlan[] | undefined;
  readonly resolvers: readonly BetweenPlan[] | undefined;
  readonly trouble: readonly TroubleStep[] | undefined;
}

/** @throws FieldFault where a step names what is not there, or a name is there twice */
export function troublePlan(
  values: TroubleValues,
  base: string,
): { readonly trouble?: TroublePlan } {
  const { proxies = [], resolvers = [], trouble: steps = [] } = values;
  if (steps.length + proxies.length + resolvers.length === 0) return {};
  const taken = new Set([targetName]);
  for (const [key, plans] of Object.entries({ proxies, resolvers })) {
    for (const [index, { name }] of plans.entries()) {
      if (taken.has(name)) throw new FieldFault([key, index, 'name'], `is taken: "${name}"`);
      taken.add(name);
    }
  }
  for (const [index, { what }] of steps.entries()) {
    if (what.kind !== 'link' && what.kind !== 'dns') continue;
    const names = (what.kind === 'link' ? proxies : resolvers).map(({ name }) => name);
    const known = what.kind === 'link' ? [targetName, ...names] : names;
    if (known.includes(what.name)) continue;
    const listed = what.kind === 'link' ? 'proxies' : 'resolvers';
    const hint = `give it under "${listed}"; there is ${known.join(', ') || 'none'}`;
    throw new FieldFault(['trouble', index], `is of "${what.name}": ${hint}`);
  }
  const placed = steps.map((each): TroubleStep => {
    const { what } = each;
    return what.kind === 'fill'
      ? { ...each, what: { ...what, folder: resolve(base, what.folder) } }
      : each;
  });
  return { trouble: { steps: placed, proxies, resolvers } };
}

function readStep(value: unknown, path: Path): TroubleStep {
  const given = step.read(value, path);
  const keys = (Object.keys(given) as Key[]).filter((key) => given[key] !== undefined);
  const [verb, second] = keys.filter((key) => verbs[key] !== undefined);
  if (verb === undefined || second !== undefined) {
    const known = Object.keys(verbs).join(', ');
    throw new FieldFault(path, `does not do one thing: write one of ${known}`);
  }
  const { needs, may } = verbs[verb]!;
  const missing = needs.find((key) => given[key] === undefined);
  if (missing !== undefined) throw new FieldFault(path, `lacks "${missing}" for "${verb}"`);
  const extra = keys.find((key) => ![verb, 'at', ...needs, ...may].includes(key));
  if (extra !== undefined) {
    throw new FieldFault([...path, extra], `does nothing for "${verb}": take it out`, true);
  }
  const lasting = given.for === undefined ? {} : { forMs: given.for };
  return { atMs: given.at, ...lasting, what: kindOf(given)! };
}

function kindOf(given: StepValues): TroubleKind | undefined {
  const { kill, stop, continue: on, signal, to, fill, cut, stall, slow, refuse } = given;
  const { delay, drop, servfail } = given;
  if (kill !== undefined) return { kind: 'signal', signal: 'SIGKILL', processes: kill };
  if (stop !== undefined) return { kind: 'signal', signal: 'SIGSTOP', processes: stop };
  if (on !== undefined) return { kind: 'signal', signal: 'SIGCONT', processes: on };
  if (signal !== undefined) return { kind: 'signal', signal, processes: to! };
  if (fill !== undefined) {
    const bound = given.size === undefined ? {} : { sizeBytesMax: given.size };
    return { kind: 'fill', folder: fill, leaveBytes: given.leave!, ...bound };
  }
  if (cut !== undefined) return { kind: 'link', name: cut, fault: { kind: 'cut' } };
  if (stall !== undefined) return { kind: 'link', name: stall, fault: { kind: 'stall' } };
  if (refuse !== undefined) return { kind: 'link', name: refuse, fault: { kind: 'refuse' } };
  if (slow !== undefined) {
    return { kind: 'link', name: slow, fault: { kind: 'slow', bytesPerSecond: given.rate! } };
  }
  if (delay !== undefined) {
    return { kind: 'dns', name: delay, fault: { kind: 'delay', delayMs: given.by! } };
  }
  if (drop !== undefined) return { kind: 'dns', name: drop, fault: { kind: 'drop' } };
  if (servfail !== undefined) return { kind: 'dns', name: servfail, fault: { kind: 'servfail' } };
  return undefined;
}

function readHostPort(value: unknown, path: Path): HostPort {
  try {
    return parseHostPort(String(value));
  } catch (error) {
    throw new FieldFault(path, `is not usable: ${(error as Error).message}`);
  }
}

function readAddressPort(value: unknown, path: Path): HostPort {
  const found = readHostPort(value, path);
  if (isIP(found.host) !== 0) return found;
  throw new FieldFault(path, `is a name: write an address, as 127.0.0.1:${found.port}`);
}
