/**
 * What operators may ask about DMARC reports.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  count,
  epochMs,
  flag,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const text = Type.String();

/** What we will report of a day's mail in a domain's name, if it asks for it. */
const pending = Type.Object({
  domain: text,
  dayMs: Type.Number({ description: "The day's beginning, in UTC." }),
  messages: count,
  rows: Type.Integer({ description: 'Records of the report.' }),
  droppedMessages: Type.Integer({ description: 'Messages that are not in it: there was no room.' }),
  bytes: Type.Integer({
    description: 'Octets of the mail as it stands, without its signature; 0: not measured.',
  }),
  isLeaving: Type.Boolean({ description: 'It began to leave, and is added to no more.' }),
  sentTo: listOf(text),
  dueMs: Type.Number({ description: 'When it is tried next; 0: after its day, or once planned.' }),
});

/** What reports of others say of a domain's mail. */
const told = Type.Object({
  reports: count,
  messages: count,
  passed: count,
  omittedMessages: Type.Integer({
    description: 'Of the messages, those of addresses that are not told: there was no room.',
  }),
  days: listOf(
    Type.Object({
      dayMs: Type.Number({ description: "The day's beginning, in UTC." }),
      ...{ reports: count, messages: count, passed: count, omittedMessages: count },
    }),
  ),
  reporters: listOf(
    Type.Object({
      domain: Type.String({ description: 'The author of its mails; "": of all others.' }),
      messages: count,
    }),
  ),
  sources: listOf(
    Type.Object({
      sourceAddress: text,
      messages: count,
      passed: Type.Integer({ description: 'By DKIM, SPF or both, in alignment.' }),
      ...{ dkim: count, spf: count, quarantined: count, rejected: count },
    }),
  ),
});

export const dmarcActs = {
  'dmarc.summary': {
    rest: 'GET /api/v1/dmarc-reports',
    summary: 'What others reported of mail in the name of a domain, by day and address.',
    params: only({ domain: nameText, sinceMs: epochMs }),
    defaults: { sinceMs: 0 },
    result: Type.Object({
      isOn: flag,
      domain: text,
      proven: told,
      unproven: Type.Unsafe<PlainOf<typeof told>>(
        Type.Object(
          {},
          { description: 'As `proven`, by mails that DMARC did not vouch for: perhaps forged.' },
        ),
      ),
    }),
  },
  'dmarc.pending': {
    rest: 'GET /api/v1/dmarc-reports/pending',
    summary: 'What is still to be reported to others, what is tried next first.',
    params: nothing,
    result: Type.Object({
      isOn: flag,
      total: Type.Integer({ description: 'Of them all; `reports` has the first thousand.' }),
      reports: listOf(pending),
    }),
  },
} satisfies Record<string, Act>;

export type DmarcSummary = PlainOf<(typeof dmarcActs)['dmarc.summary']['result']>;
export type PendingDmarcReport = PlainOf<typeof pending>;
export type DmarcMethods = MethodsOf<typeof dmarcActs>;
