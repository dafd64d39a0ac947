/**
 * How a model is written: its fields, and the rules between them.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 5321 §4.2 (replies), RFC 3463 (enhanced codes, which replies may carry).
 */

import { readNetwork } from '../../settings/networks.ts';
import {
  choice,
  type Field,
  FieldFault,
  flag,
  list,
  number,
  pathText,
  record,
  refuse,
  table,
  text,
  whole,
} from '../fields.ts';
import { dnsVariants } from './dns-variants.ts';
import {
  certificateKinds,
  type FaultRule,
  faultPoints,
  limitScopes,
  type ReputationRules,
  reputationEvents,
  type SinkModel,
  tlsFaults,
} from './model.ts';

const rulesMax = 10_000;
const anyText = text('a text on one line', /^[^\r\n]+$/);
const glob = text('an address, with * for any text, as *@example.com', /^\S+$/);
const points = number(-100, 100, -5);
const reply = text(
  'a code of three digits, a space and a text, as "451 4.3.0 Try again later"',
  /^[2-5]\d\d (?:[^\r\n]+\n)*[^\r\n]+$/,
);
const network = 'an address or a network, as 192.0.2.0/24';
const client: Field<string> = {
  wants: network,
  schema: { type: 'string' },
  read: (value, path) =>
    typeof value === 'string' && readNetwork(value).ok ? value : refuse(path, value, network),
};

const limit = record(
  { per: choice(limitScopes), countMax: whole(0, Infinity, 20) },
  { seconds: number(0.001, Infinity, 1), isScaled: flag() },
);

const rule = record(
  { at: choice(faultPoints) },
  {
    probability: number(0, 1, 0.1),
    nth: whole(1, Infinity, 3),
    every: whole(1, Infinity, 100),
    client,
    sender: glob,
    recipient: glob,
    recipientShare: number(0, 1, 0.02),
    reputation: record({ below: number(0, 100, 20) }, { until: number(0, 100, 40) }),
    limit,
    quota: record(
      {},
      {
        messagesMax: whole(0, Infinity, 100),
        bytesMax: whole(0, Infinity, 10_000_000),
        emptiedSeconds: number(0.001, Infinity, 3_600),
      },
    ),
    greylist: record(
      { afterSeconds: number(0, Infinity, 300) },
      {
        withinSeconds: number(0, Infinity, 14_400),
        keepSeconds: number(0, Infinity, 3_110_400),
        autoAllow: whole(1, Infinity, 10),
      },
    ),
    reply,
    delayMs: number(0, 86_400_000, 200),
    tarpit: record({
      perRefusalMs: number(0, 86_400_000, 1_000),
      delayMsMax: number(0, 86_400_000, 30_000),
    }),
    drop: choice(['reset', 'close']),
    afterBytes: whole(1, Infinity, 1_000),
    readBytesPerSecond: whole(1, Infinity, 1_000),
    tls: choice(tlsFaults),
    counts: choice(reputationEvents),
  },
);

const reputation = {
  start: number(0, 100, 50),
  perAccepted: points,
  perInvalid: points,
  perLimited: points,
  perComplaint: points,
  perHour: number(0, 3_600_000, 5),
  complaintShare: number(0, 1, 0.001),
  complainers: glob,
};
const domains = table(choice(Object.keys(dnsVariants)));

const model = record(
  { rules: list(rule, rulesMax, 0) },
  {
    name: anyText,
    greeting: anyText,
    accepted: reply,
    reputation: record({}, reputation),
    certificate: choice(certificateKinds),
    dns: record({}, { suffix: anyText, domains }),
  },
);

const reputationDefault: ReputationRules = {
  start: 50,
  perAccepted: 0.05,
  perInvalid: -2,
  perLimited: -0.5,
  perComplaint: -10,
  perHour: 5,
  complaintShare: 0,
};

/** The JSON Schema (2020-12) of a model file, for editors. */
export function modelJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A model of chaski sink',
    ...model.schema,
  };
}

/** A model from the values of its file; throws all that is wrong with them, a sentence a line. */
export function checkModel(values: unknown, name: string): SinkModel {
  const read = checked(
    () => model.read(values, []),
    'the model',
    (fault) => `${name}: ${fault}`,
  );
  const faults: string[] = [];
  for (const [at, each] of read.rules.entries()) checkRule(each, `rules[${at}]`, read, faults);
  if (faults.length > 0) throw new Error(faults.map((fault) => `${name}: ${fault}`).join('\n'));
  const { reputation: given, ...rest } = read;
  return {
    ...rest,
    name: read.name ?? name,
    ...(given === undefined ? {} : { reputation: { ...reputationDefault, ...given } }),
  };
}

/** What is wrong with fields as one error, a line each. */
function checked<T>(read: () => T, whole: string, lineOf: (fault: string) => string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const faults = error.all().map(({ path, message }) => `${pathText(path, whole)} ${message}`);
    throw new Error(faults.map(lineOf).join('\n'));
  }
}

function checkRule(
  rule: FaultRule,
  place: string,
  model: Pick<SinkModel, 'rules'> & { readonly reputation?: unknown },
  faults: string[],
): void {
  const { at } = rule;
  const acts = [
    rule.reply,
    rule.delayMs,
    rule.tarpit,
    rule.drop,
    rule.readBytesPerSecond,
    rule.tls,
  ];
  if (acts.every((act) => act === undefined)) {
    faults.push(
      `${place} does nothing: add reply, delayMs, tarpit, drop, readBytesPerSecond or tls`,
    );
  }
  if (rule.tls !== undefined && at !== 'handshake') {
    faults.push(`${place}.tls acts at a handshake: write "at": "handshake"`);
  }
  if (at === 'handshake' && rule.reply !== undefined) {
    faults.push(`${place}.reply cannot be sent in a handshake: write "at": "starttls"`);
  }
  if (at === 'body' && rule.reply !== undefined) {
    faults.push(`${place}.reply cannot be sent within a message: write "at": "message"`);
  }
  if (rule.afterBytes !== undefined && (at !== 'body' || rule.drop === undefined)) {
    faults.push(`${place}.afterBytes says when to drop a body: add "at": "body" and "drop"`);
  }
  if (rule.reputation !== undefined && model.reputation === undefined) {
    faults.push(`${place}.reputation needs scores: add "reputation": {} to the model`);
  }
  if (rule.quota !== undefined && at !== 'rcpt' && !(at === 'message')) {
    faults.push(`${place}.quota is of a recipient: write "at": "rcpt"`);
  }
  if (rule.greylist !== undefined && at !== 'rcpt') {
    faults.push(`${place}.greylist is of a recipient: write "at": "rcpt"`);
  }
  if (rule.reply?.startsWith('2') === true) {
    faults.push(`${place}.reply must refuse: begin it with 4 or 5`);
  }
}

/** `POINT=REPLY:PROBABILITY`, as `rcpt=451 4.3.0 Busy:0.1`; the probability may be left out. */
export function parseFault(line: string): FaultRule {
  const match = /^(\w+)=(.*?)(?::([\d.]+))?$/s.exec(line);
  if (match === null) throw new Error(`fault must be POINT=REPLY:PROBABILITY, not "${line}"`);
  const [, at, act = '', chance] = match;
  const probability = chance === undefined ? 1 : Number(chance);
  const lineOf = (fault: string) => `"${line}": ${fault}`;
  const read = checked(
    () => rule.read({ at, probability, ...actOf(act) }, ['fault']),
    'the fault',
    lineOf,
  );
  const faults: string[] = [];
  checkRule(read, 'fault', { rules: [] }, faults);
  if (faults.length > 0) throw new Error(faults.map(lineOf).join('\n'));
  return read;
}

function actOf(act: string): Partial<FaultRule> {
  const delay = /^(\d+) ?ms$/.exec(act);
  if (delay !== null) return { delayMs: Number(delay[1]) };
  const tls = tlsFaults.find((each) => act === `tls ${each}`);
  if (tls !== undefined) return { tls };
  if (act === 'drop') return { drop: 'reset' };
  return act === 'close' ? { drop: 'close' } : { reply: act };
}
