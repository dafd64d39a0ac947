/**
 * How a model is written: its fields, and the rules between them.
 *
 * Runs in:   sink; pure.
 * Specs:     RFC 5321 §4.2 (replies), RFC 3463 (enhanced codes, which replies may carry).
 */

import { readNetwork } from '../../settings/networks.ts';
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
import {
  choice,
  count,
  type Field,
  type Fields,
  flag,
  group,
  list,
  number,
  required,
  table,
  text,
} from './model-fields.ts';

const anyText = text(/^[^\r\n]+$/, 'a text on one line');
const glob = text(/^\S+$/, 'an address, with * for any text, as *@example.com');
const points = number(-100, 100, -5);
const reply = text(
  /^[2-5]\d\d (?:[^\r\n]+\n)*[^\r\n]+$/,
  'a code of three digits, a space and a text, as "451 4.3.0 Try again later"',
);
const client: Field = {
  expects: 'an address or a network, as 192.0.2.0/24',
  schema: { type: 'string' },
  read: (value) => (typeof value === 'string' && readNetwork(value).ok ? value : undefined),
};

const limit: Fields = {
  per: required(choice(limitScopes)),
  countMax: required(count(0, 20)),
  seconds: number(0.001, Infinity, 1),
  isScaled: flag(),
};

const ruleFields: Fields = {
  at: required(choice(faultPoints)),
  probability: number(0, 1, 0.1),
  nth: count(1, 3),
  every: count(1, 100),
  client,
  sender: glob,
  recipient: glob,
  recipientShare: number(0, 1, 0.02),
  reputation: group({ below: required(number(0, 100, 20)), until: number(0, 100, 40) }),
  limit: group(limit),
  quota: group({
    messagesMax: count(0, 100),
    bytesMax: count(0, 10_000_000),
    emptiedSeconds: number(0.001, Infinity, 3_600),
  }),
  greylist: group({
    afterSeconds: required(number(0, Infinity, 300)),
    withinSeconds: number(0, Infinity, 14_400),
    keepSeconds: number(0, Infinity, 3_110_400),
    autoAllow: count(1, 10),
  }),
  reply,
  delayMs: number(0, 86_400_000, 200),
  tarpit: group({
    perRefusalMs: required(number(0, 86_400_000, 1_000)),
    delayMsMax: required(number(0, 86_400_000, 30_000)),
  }),
  drop: choice(['reset', 'close']),
  afterBytes: count(1, 1_000),
  readBytesPerSecond: count(1, 1_000),
  tls: choice(tlsFaults),
  counts: choice(reputationEvents),
};

const ruleField = group(ruleFields);

const modelFields: Fields = {
  name: anyText,
  greeting: anyText,
  accepted: reply,
  reputation: group({
    start: number(0, 100, 50),
    perAccepted: points,
    perInvalid: points,
    perLimited: points,
    perComplaint: points,
    perHour: number(0, 3_600_000, 5),
    complaintShare: number(0, 1, 0.001),
    complainers: glob,
  }),
  certificate: choice(certificateKinds),
  dns: group({ suffix: anyText, domains: table(choice(Object.keys(dnsVariants))) }),
  rules: required(list(ruleField)),
};

const model = group(modelFields);

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
  const faults: string[] = [];
  const read = model.read(values, '', faults) as SinkModel | undefined;
  if (read === undefined) faults.push(`a model is ${model.expects}; "rules" may be empty`);
  else if (faults.length === 0) {
    for (const [at, rule] of read.rules.entries()) checkRule(rule, `rules[${at}]`, read, faults);
  }
  if (faults.length > 0) throw new Error(faults.map((fault) => `${name}: ${fault}`).join('\n'));
  const { reputation } = read!;
  return {
    ...read!,
    name: read!.name ?? name,
    ...(reputation === undefined ? {} : { reputation: { ...reputationDefault, ...reputation } }),
  };
}

function checkRule(rule: FaultRule, place: string, whole: SinkModel, faults: string[]): void {
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
  if (rule.reputation !== undefined && whole.reputation === undefined) {
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
  const faults: string[] = [];
  const rule = ruleField.read({ at, probability, ...actOf(act) }, 'fault', faults) as FaultRule;
  if (faults.length === 0) checkRule(rule, 'fault', { name: '', rules: [] }, faults);
  if (faults.length > 0) throw new Error(faults.map((fault) => `"${line}": ${fault}`).join('\n'));
  return rule;
}

function actOf(act: string): Partial<FaultRule> {
  const delay = /^(\d+) ?ms$/.exec(act);
  if (delay !== null) return { delayMs: Number(delay[1]) };
  const tls = tlsFaults.find((each) => act === `tls ${each}`);
  if (tls !== undefined) return { tls };
  if (act === 'drop') return { drop: 'reset' };
  return act === 'close' ? { drop: 'close' } : { reply: act };
}
