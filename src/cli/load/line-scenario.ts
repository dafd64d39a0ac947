/**
 * A command line as a scenario of one group, so that both are read by one schema.
 *
 * Runs in: load generator.
 */

import { readFileSync, statSync } from 'node:fs';
import { parseHostPort } from '../../harness/addresses.ts';
import { FieldFault, record } from '../../harness/fields.ts';
import type { RunPlan } from '../../harness/run/run-plan.ts';
import { readScenario } from '../../harness/scenario/shape.ts';
import { watchPlan, watchShape } from '../../harness/scenario/watch-shape.ts';
import type { LoadValues } from './usage.ts';

/** Options that hold a number; in a file they would be one. */
const numbers = new Set([
  ...['sessions', 'rate', 'count', 'recipients', 'perConnection', 'seed', 'threads', 'size'],
  ...['duration', 'patience', 'hold', 'retrieve', 'recount'],
]);

/** Options that are not of the load but of what is done with it. */
const aside = [
  ...['against', 'rounds', 'probe', 'rate-first', 'rate-max', 'json', 'report'],
  ...['watch', 'metrics', 'metric', 'prometheus'],
];

/** Keys of the whole scenario; the others are of its group. */
const wholeKeys = ['seed', 'threads', 'ledger', 'recount'];

/** Throws a sentence that names the option. */
export function planOf(protocol: string, values: LoadValues): RunPlan {
  const { corpus, mime, threshold, body, header, ...more } = values;
  const { 'password-stdin': isPassworded, 'token-stdin': isTokened, ...given } = more;
  if (isPassworded === true && isTokened === true) {
    throw new Error('--password-stdin and --token-stdin: standard input has one first line');
  }
  const kinds = (['size', 'corpus', 'mime'] as const).filter((name) => values[name] !== undefined);
  if (kinds.length > 1) throw new Error(`--${kinds.join(' and --')}: write one of them`);
  const ofLoad = Object.entries(given).filter(([option]) => !aside.includes(option));
  const entries = ofLoad.map(([option, value]) => {
    const key = camel(option);
    const isNumber = numbers.has(key) && Number.isFinite(Number(value));
    return [key, isNumber ? Number(value) : value] as const;
  });
  const isWhole = ([key]: readonly [string, unknown]) => wholeKeys.includes(key);
  const group = {
    protocol,
    ...Object.fromEntries(entries.filter((entry) => !isWhole(entry))),
    ...(isPassworded === true ? { password: readFirstLine() } : {}),
    ...(isTokened === true ? { token: readFirstLine() } : {}),
    ...(body === undefined ? {} : { bodyFile: body }),
    ...(header === undefined ? {} : { headers: header }),
    ...messagesOf(corpus, mime),
  };
  const thresholds = threshold === undefined ? {} : { thresholds: threshold };
  const whole = Object.fromEntries(entries.filter(isWhole));
  const value = { ...whole, ...thresholds, groups: [group] };
  try {
    return readScenario(value, { name: protocol, base: process.cwd() });
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    throw new Error(
      error
        .all()
        .map((fault) => `${optionOf(fault)} ${fault.message}`)
        .join('\n'),
    );
  }
}

/** Where the run's figures may be read meanwhile. */
export function withPrometheus(plan: RunPlan, { prometheus }: LoadValues): RunPlan {
  if (prometheus === undefined) return plan;
  try {
    return { ...plan, prometheus: parseHostPort(prometheus) };
  } catch (error) {
    throw new Error(`--prometheus ${(error as Error).message}`);
  }
}

/** Any load may be watched, and whoever runs a scenario knows the PID, not who wrote it. */
export function withWatch(plan: RunPlan, { watch, metrics, metric }: LoadValues): RunPlan {
  if (watch === undefined && metrics === undefined && metric === undefined) return plan;
  if ((metrics === undefined) !== (metric === undefined)) {
    throw new Error('--metrics URL and --metric NAME belong together');
  }
  const read = record(watchShape).read;
  const chosen = metrics === undefined ? {} : { metrics: { url: metrics, names: metric } };
  try {
    const given = watchPlan(read({ ...(watch === undefined ? {} : { watch }), ...chosen }, []));
    return { ...plan, watch: { ...plan.watch, ...given.watch } };
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const option = error.path.includes('names')
      ? '--metric'
      : optionOf({ path: error.path.slice(0, 1) });
    throw new Error(`${option} ${error.message}`);
  }
}

function messagesOf(corpus: string | undefined, mime: string | undefined): object {
  if (corpus === undefined) return mime === undefined ? {} : { messages: [{ mime }] };
  const isFolder = statSync(corpus).isDirectory();
  return { messages: [isFolder ? { folder: corpus } : { mbox: corpus }] };
}

function readFirstLine(): string {
  return readFileSync(process.stdin.fd, 'utf8').split(/\r?\n/)[0]!;
}

/** Keys that are options by another name. */
const spelled = { bodyFile: '--body', headers: '--header', token: '--token-stdin' } as const;

function optionOf({ path }: Pick<FieldFault, 'path'>): string {
  const key = path.findLast((step) => typeof step === 'string' && step !== 'groups');
  if (key === undefined) return 'the load';
  if (key in spelled) return spelled[key as keyof typeof spelled];
  return `--${String(key).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function camel(option: string): string {
  return option.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
