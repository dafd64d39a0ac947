/**
 * What operators may ask about DMARC reports.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import { type Act, count, flag, listOf, type MethodsOf, nothing, type PlainOf } from './act.ts';

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

export const dmarcActs = {
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

export type PendingDmarcReport = PlainOf<typeof pending>;
export type DmarcMethods = MethodsOf<typeof dmarcActs>;
