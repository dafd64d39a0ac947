/**
 * How settings say what a filter's finding is worth, which lists of addresses are asked, and what labels count.
 *
 * Runs in:   anywhere; pure.
 * Specs:     RFC 5782 §2.1 (answers of lists are addresses of 127.0.0.0/8).
 * Invariant: values are plain data: they cross threads as they are.
 */

import { isIPv4 } from 'node:net';
import {
  type Field,
  type FieldWords,
  quote,
  type Reading,
  read,
  tomlText,
  unreadable,
} from './field.ts';
import { textsOf, wordsOf } from './fields.ts';
import { isDomainName } from './networks.ts';
import { type Columns, inlineTable, type Named, namedRows, readColumns } from './tables.ts';

/** Points that a finding adds (0: it is accepted), or that it refuses the client whatever else is known. */
export type Judgement = number | 'reject';

export const pointsMax = 1_000;

/** Answers of a list that mean one thing. */
export interface AnswerRule {
  /** As it was written. */
  readonly pattern: string;
  /** The first and the last answer, as numbers. */
  readonly first: number;
  readonly last: number;
  /** Any of these bits must be set; 0: none need be. */
  readonly bits: number;
  readonly judgement: Judgement;
}

interface ListRow {
  readonly zone: string;
  /** Of answers that no rule is about. */
  readonly points: Judgement;
  readonly answers: readonly AnswerRule[];
}

export type ListSetting = Named<ListRow>;

export interface LabelRule {
  readonly label: string;
  readonly judgement: Judgement;
}

const bounds = `"accept", "reject", or points of -${pointsMax} to ${pointsMax}`;

export function judgement(options: FieldWords & { readonly default: Judgement }): Field<Judgement> {
  return {
    kind: 'field',
    type: 'judgement',
    bounds,
    unit: '',
    ...wordsOf(options),
    default: options.default,
    jsonSchema: {
      anyOf: [
        { enum: ['accept', 'reject'] },
        { type: 'integer', minimum: -pointsMax, maximum: pointsMax },
        { type: 'string', pattern: '^[+-]?[0-9]{1,4}$' },
      ],
    },
    read: readJudgement,
    toToml: writeJudgement,
  };
}

function readJudgement(raw: unknown): Reading<Judgement> {
  if (raw === 'reject') return read(raw);
  if (raw === 'accept') return read(0);
  const isDigits = typeof raw === 'string' && /^[+-]?\d{1,4}$/.test(raw);
  // No negative zero, which would not be written as it was read.
  const points = isDigits ? Number(raw) + 0 : raw;
  const isPoints = typeof points === 'number' && Number.isInteger(points);
  if (!isPoints || Math.abs(points) > pointsMax)
    return unreadable(`must be ${bounds}, not ${quote(raw)}`);
  return read(points + 0);
}

function writeJudgement(value: Judgement): string {
  if (value === 'reject') return tomlText(value);
  return value === 0 ? tomlText('accept') : String(value);
}

export function listTable(options: FieldWords): Field<readonly ListSetting[]> {
  return namedRows<ListRow>({
    ...options,
    type: 'table of lists',
    bounds:
      'each with `zone`, `points`, and `answers` (a table of ANSWER = points, as "127.0.0.2", "127.0.0.4-7", "127.0.0.0/28", or "127.0.0.&6" for answers with any of these bits)',
    example:
      '{ zen = { zone = "zen.example.net", answers = { "127.0.0.2-9" = "reject", "127.0.0.10-11" = 4 } }, wl = { zone = "wl.example.net", points = -5 } }',
    readRow: (raw) => readColumns(raw, listColumns),
    writeRow: ({ zone, points, answers }) =>
      inlineTable({
        zone: tomlText(zone),
        points: points === 0 ? undefined : writeJudgement(points),
        answers:
          answers.length === 0
            ? undefined
            : inlineTable(
                Object.fromEntries(
                  answers.map(({ pattern, judgement: value }) => [pattern, writeJudgement(value)]),
                ),
              ),
      }),
  });
}

const listColumns: Columns<ListRow> = {
  zone: (raw) => {
    const zone = typeof raw === 'string' ? raw.toLowerCase() : '';
    // A name of 73 characters stands before it for an IPv6 address.
    return isDomainName(zone) && zone.length <= 180
      ? read(zone)
      : unreadable(`${quote(raw)} is not the name of a list`);
  },
  points: (raw) => (raw === undefined ? read(0) : readJudgement(raw)),
  answers: (raw) => {
    if (raw === undefined) return read([]);
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      return unreadable(`must be a table of ANSWER = points, not ${quote(raw)}`);
    }
    const rules: AnswerRule[] = [];
    const reasons: string[] = [];
    for (const [pattern, value] of Object.entries(raw)) {
      const rule = readAnswers(pattern);
      const worth = readJudgement(value);
      if (rule === undefined) reasons.push(`${quote(pattern)} is no answer of a list`);
      if (!worth.ok) reasons.push(...worth.reasons.map((reason) => `${pattern}: ${reason}`));
      if (rule !== undefined && worth.ok) rules.push({ ...rule, judgement: worth.value });
    }
    return reasons.length > 0 ? unreadable(...reasons) : read(rules);
  },
};

/** Undefined: it is none. */
function readAnswers(pattern: string): Omit<AnswerRule, 'judgement'> | undefined {
  const match =
    /^(127\.\d{1,3}\.\d{1,3})\.(?:(\d{1,3})(?:-(\d{1,3})|\/(\d{1,2}))?|&(\d{1,3}))$/.exec(pattern);
  if (match === null) return undefined;
  const [, head, octet, end, prefix, mask] = match;
  if (mask !== undefined) {
    const bits = Number(mask);
    const first = numberOf(`${head}.0`);
    return first < 0 || bits < 1 || bits > 255
      ? undefined
      : { pattern, first, last: first + 255, bits };
  }
  const first = numberOf(`${head}.${octet}`);
  if (first < 0) return undefined;
  if (end !== undefined) {
    const last = numberOf(`${head}.${end}`);
    return last < first ? undefined : { pattern, first, last, bits: 0 };
  }
  const prefixBits = prefix === undefined ? 32 : Number(prefix);
  if (prefixBits < 8 || prefixBits > 32) return undefined;
  const count = 2 ** (32 - prefixBits);
  const start = Math.floor(first / count) * count;
  return { pattern, first: start, last: start + count - 1, bits: 0 };
}

/** An IPv4 address as a number; -1: it is none. */
function numberOf(address: string): number {
  if (!isIPv4(address)) return -1;
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

const labelPattern = /^[a-z0-9][a-z0-9:._-]{0,62}$/;

export function isLabel(text: string): boolean {
  return labelPattern.test(text);
}

const labelsMax = 1_000;

export function labelTable(options: FieldWords): Field<readonly LabelRule[]> {
  return {
    kind: 'field',
    type: 'table of labels',
    bounds: 'LABEL = points, "accept" or "reject"',
    unit: '',
    ...wordsOf(options),
    default: [],
    jsonSchema: { anyOf: [{ type: 'string' }, { type: 'object' }] },
    example: '{ "country:xx" = 3, "as:64496" = "reject" }',
    read(raw) {
      const pairs = labelPairs(raw);
      if (pairs === undefined)
        return unreadable(`must be a table of LABEL = points, not ${quote(raw)}`);
      const rules: LabelRule[] = [];
      const reasons = pairs.length > labelsMax ? [`there are at most ${labelsMax} of them`] : [];
      for (const [name, value] of pairs) {
        const label = name.toLowerCase();
        const worth = readJudgement(value);
        if (!isLabel(label)) reasons.push(`${quote(name)} is no label`);
        else if (rules.some((rule) => rule.label === label))
          reasons.push(`${quote(name)} stands twice`);
        if (!worth.ok) reasons.push(...worth.reasons.map((reason) => `${name}: ${reason}`));
        else rules.push({ label, judgement: worth.value });
      }
      return reasons.length > 0 ? unreadable(...reasons) : read(rules);
    },
    toToml: (rules) =>
      inlineTable(
        Object.fromEntries(
          rules.map(({ label, judgement: value }) => [label, writeJudgement(value)]),
        ),
      ),
  };
}

function labelPairs(raw: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (typeof raw === 'string') {
    return textsOf(raw)!.map((item) => {
      const at = item.indexOf('=');
      return at < 0 ? [item, ''] : [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    });
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined;
  return Object.entries(raw);
}

/** Of one list. */
const answersMax = 64;
/** Lists answer so where they will not answer: to public resolvers, or to who asks too much. */
const refusalsFrom = numberOf('127.255.255.0');
const loopbackFrom = numberOf('127.0.0.0');

/**
 * What a list's answers are worth: each rule that fits counts once, whatever number of answers it fits. 0: it says
 * nothing. RFC 5782 §2.1.
 */
export function listWorth(
  { answers, points }: Pick<ListSetting, 'answers' | 'points'>,
  records: readonly string[],
): Judgement | 'failed' {
  const codes = records.slice(0, answersMax).map(numberOf);
  if (codes.some((code) => code >= refusalsFrom && code < refusalsFrom + 256)) return 'failed';
  // A name that answers anything else is no list any more: its domain was sold, or is answered for by a provider.
  const listed = codes.filter((code) => code >= loopbackFrom && code < refusalsFrom);
  if (listed.length === 0) return 0;
  const worths: Judgement[] = answers
    .filter(({ first, last, bits }) =>
      listed.some((code) => code >= first && code <= last && (bits === 0 || (code & bits) !== 0)),
    )
    .map(({ judgement }) => judgement);
  if (worths.length === 0) return points;
  if (worths.includes('reject')) return 'reject';
  return (worths as number[]).reduce((sum, worth) => sum + worth, 0);
}
