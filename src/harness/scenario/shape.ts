/**
 * A scenario's schema: its keys, what each holds, and the run it asks for.
 *
 * Runs in:   load generator.
 * Limits:    `groupsCountMax` groups, `stagesCountMax` stages, `threadsMax` threads.
 * Invariant: a command line is read by the same schema as a file.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseHostPort } from '../addresses.ts';
import {
  choice,
  duration,
  type Field,
  FieldFault,
  list,
  notNegative,
  optional,
  type Path,
  positive,
  type Read,
  record,
  text,
  whole,
  withDefault,
} from '../fields.ts';
import { whyNotAutocannon } from '../load/http/client-choice.ts';
import type { GroupPlan, RunPlan } from '../run/run-plan.ts';
import { parseThreshold } from '../run/thresholds.ts';
import {
  type ArrivalPlan,
  arrivalKinds,
  parseTrace,
  type RateStage,
  steadyPlan,
} from '../schedule/arrivals.ts';
import { httpPlan, httpShape } from './http-shape.ts';
import { imapPlan, imapShape } from './imap-shape.ts';
import { mailPlan, mailShape } from './mail-shape.ts';
import { pop3Plan, pop3Shape } from './pop3-shape.ts';
import { troublePlan, troubleShape } from './trouble-shape.ts';
import { watchPlan, watchShape } from './watch-shape.ts';

const groupsCountMax = 32;
const stagesCountMax = 1_000;
const threadsMax = 64;
const thresholdsCountMax = 100;
const sessionsMax = 100_000;
const openLoopSessionsMax = 1_000;
const patienceMsDefault = 30_000;
const countMax = Number.MAX_SAFE_INTEGER;
const perSecond = 'a rate a second, as 200';

const stage = record({
  rate: optional(notNegative(perSecond)),
  from: optional(notNegative(perSecond)),
  to: optional(notNegative(perSecond)),
  for: duration(),
});

const groupShape = {
  name: optional(text('a name for the report')),
  target: optional(text('HOST:PORT')),
  sessions: optional(whole(1, sessionsMax)),
  rate: optional(positive(perSecond)),
  arrival: withDefault(choice(arrivalKinds), 'poisson'),
  stages: optional(list(stage, stagesCountMax)),
  trace: optional(text('a file with an instant a line')),
  duration: optional(duration()),
  count: optional(whole(1, countMax)),
  perConnection: optional(whole(1, countMax)),
  patience: withDefault(duration(), patienceMsDefault),
};

export const protocols = ['smtp', 'lmtp', 'imap', 'pop3', 'http'] as const;
const protocol = choice(protocols);
const mailGroup = record({ protocol, ...groupShape, ...mailShape });
const imapGroup = record({ protocol, ...groupShape, ...imapShape });
const httpGroup = record({ protocol, ...groupShape, ...httpShape });
const pop3Group = record({ protocol, ...groupShape, ...pop3Shape });

type GroupValues = { readonly [K in keyof typeof groupShape]: Read<(typeof groupShape)[K]> };

const anything: Field<unknown> = { read: (value) => value, wants: 'a group', schema: {} };
const scenario = record({
  name: optional(text('a name')),
  seed: withDefault(whole(0, countMax), 1),
  threads: withDefault(whole(1, threadsMax), 1),
  target: optional(text('HOST:PORT')),
  duration: optional(duration()),
  ledger: optional(text('a folder')),
  recount: optional(duration()),
  groups: list({ ...anything, wants: 'a group of sessions' }, groupsCountMax),
  thresholds: optional(list(text('a threshold as "p99 < 50ms"'), thresholdsCountMax)),
  ...watchShape,
  ...troubleShape,
});

/** What a scenario was read from. */
export interface ScenarioSource {
  readonly name: string;
  /** The folder that names of files in it are relative to. */
  readonly base: string;
}

/** Reads the values of a scenario; throws a `FieldFault` that says where and what to do. */
export function readScenario(value: unknown, { name, base }: ScenarioSource): RunPlan {
  const values = scenario.read(value, []);
  const { target, ledger, recount } = values;
  const groups = values.groups.map((each, index) =>
    readGroup(each, { target, durationMs: values.duration, base, path: ['groups', index] }),
  );
  const names = groups.map((group) => group.name);
  const twice = names.findIndex((each, index) => names.indexOf(each) < index);
  if (twice !== -1) {
    const message = `is the second group named "${names[twice]}": give each a "name" of its own`;
    throw new FieldFault(['groups', twice], message);
  }
  const thresholds = (values.thresholds ?? []).map((each, index) => {
    const path = ['thresholds', index];
    const threshold = atPath(path, () => parseThreshold(each));
    if (threshold.group === undefined || names.includes(threshold.group)) return threshold;
    throw new FieldFault(path, `is of "${threshold.group}"; groups are ${names.join(', ')}`);
  });
  return {
    scenario: values.name ?? name,
    ...{ seed: values.seed, threads: values.threads, groups, thresholds },
    ...(ledger === undefined ? {} : { ledger: resolve(base, ledger) }),
    ...(recount === undefined ? {} : { recountMsMax: recount }),
    ...watchPlan(values),
    ...troublePlan(values, base),
  };
}

interface GroupPlace {
  readonly target: string | undefined;
  readonly durationMs: number | undefined;
  readonly base: string;
  readonly path: Path;
}

function readGroup(value: unknown, place: GroupPlace): GroupPlan {
  const { base, path } = place;
  const given = typeof value === 'object' && value !== null ? value : {};
  const chosen = protocol.read((given as { protocol?: unknown }).protocol, [...path, 'protocol']);
  if (chosen === 'imap') {
    const values = imapGroup.read(value, path);
    return {
      ...readLoad(values, chosen, place),
      protocol: chosen,
      options: imapPlan(values, base, path),
    };
  }
  if (chosen === 'http') {
    const values = httpGroup.read(value, path);
    const options = httpPlan(values, base, path);
    const group = { ...readLoad(values, chosen, place), protocol: chosen, options };
    const why = options.client === 'autocannon' ? whyNotAutocannon(group) : undefined;
    if (why === undefined) return group;
    throw new FieldFault([...path, 'client'], `cannot be autocannon: ${why}; take it out`);
  }
  if (chosen === 'pop3') {
    const values = pop3Group.read(value, path);
    const options = pop3Plan(values, base, path);
    // A visit is a connection: what there is, is told at log-in (RFC 1939 §3).
    const { perConnection = 1 } = values;
    return { ...readLoad({ ...values, perConnection }, chosen, place), protocol: chosen, options };
  }
  const values = mailGroup.read(value, path);
  const options = mailPlan(values, chosen === 'lmtp', base, path);
  return { ...readLoad(values, chosen, place), protocol: chosen, options };
}

/** What a group says of its load, whatever its protocol. */
function readLoad(values: GroupValues, name: string, place: GroupPlace) {
  const { base, path } = place;
  const target = values.target ?? place.target;
  if (target === undefined) throw new FieldFault(path, 'lacks "target": write HOST:PORT');
  const arrivals = readArrivals(values, base, path);
  if (arrivals === undefined && values.sessions === undefined) {
    const message = 'has no load: write "sessions" (closed loop), or "rate", "stages" or "trace"';
    throw new FieldFault(path, message);
  }
  const durationMs = values.duration ?? place.durationMs ?? Infinity;
  const ends = values.trace !== undefined || values.stages !== undefined;
  // A closed loop may go on until it is stopped.
  if (arrivals !== undefined && durationMs === Infinity && values.count === undefined && !ends) {
    throw new FieldFault(path, 'never ends: write "duration" or "count"');
  }
  return {
    name: values.name ?? name,
    target: atPath([...path, 'target'], () => parseHostPort(target)),
    ...(arrivals === undefined ? {} : { arrivals }),
    sessionsMax: values.sessions ?? openLoopSessionsMax,
    durationMs,
    countMax: values.count ?? Infinity,
    perConnection: values.perConnection ?? Infinity,
    patienceMs: values.patience,
  };
}

function readArrivals(values: GroupValues, base: string, path: Path): ArrivalPlan | undefined {
  const named = (['rate', 'stages', 'trace'] as const).filter((name) => values[name] !== undefined);
  if (named.length > 1) {
    throw new FieldFault(path, `has ${named.join(' and ')}; write one of them`);
  }
  const { rate, stages, trace, arrival } = values;
  if (rate !== undefined) return steadyPlan(arrival, rate);
  if (trace !== undefined) {
    const file = resolve(base, trace);
    const atMs = atPath([...path, 'trace'], () => parseTrace(readFileSync(file, 'utf8'), trace));
    return { kind: 'trace', atMs };
  }
  if (stages === undefined) return undefined;
  return {
    kind: arrival,
    stages: stages.map((each, index) => readStage(each, [...path, 'stages', index])),
  };
}

function readStage(values: Read<typeof stage>, path: Path): RateStage {
  const { rate, from, to } = values;
  const seconds = values.for / 1000;
  if (rate !== undefined && from === undefined && to === undefined) {
    return { seconds, fromPerSecond: rate, toPerSecond: rate };
  }
  if (rate === undefined && from !== undefined && to !== undefined) {
    return { seconds, fromPerSecond: from, toPerSecond: to };
  }
  throw new FieldFault(path, 'is neither a step nor a ramp: write "rate", or "from" and "to"');
}

/** What goes wrong with a value is told at its place. */
function atPath<T>(path: Path, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new FieldFault(path, `is not usable: ${(error as Error).message}`);
  }
}
