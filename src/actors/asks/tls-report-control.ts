/**
 * What operators may ask about TLS reports.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import type { PolicyOutcomes } from '../../mail/formats/tls-report/write.ts';
import {
  type Act,
  count,
  epochMs,
  flag,
  formOf,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const text = Type.String();

/** What one report says of one policy of a domain. */
const report = Type.Object({
  type: Type.String({ description: '`tlsa`, `sts` or `no-policy-found`.' }),
  domain: text,
  hosts: listOf(text),
  successes: count,
  failures: count,
  details: listOf(
    Type.Object({
      resultType: text,
      host: text,
      sendingAddress: text,
      sessions: count,
      reason: text,
    }),
  ),
  organization: text,
  id: text,
  startMs: epochMs,
  endMs: epochMs,
});

/** What we will report of a day's sessions with a domain, if it asks for it. */
const pending = Type.Object({
  domain: text,
  dayMs: Type.Number({ description: "The day's beginning, in UTC." }),
  policies: listOf(formOf<PolicyOutcomes>('What became of the sessions under one policy.')),
  sentTo: listOf(text),
  dueMs: Type.Number({ description: 'When it is tried next; 0: after its day, or once planned.' }),
});

export const tlsReportActs = {
  'tls-report.pending': {
    rest: 'GET /api/v1/tls-reports/pending',
    summary: 'What is still to be reported to others, the oldest first.',
    params: nothing,
    result: Type.Object({ isOn: flag, reports: listOf(pending) }),
  },
  'tls-report.list': {
    rest: 'GET /api/v1/tls-reports',
    summary: 'What others reported of a domain, or of all; what ended last comes first.',
    params: only({ domain: Type.Optional(nameText), sinceMs: epochMs }),
    defaults: { sinceMs: 0 },
    result: Type.Object({ reports: listOf(report) }),
  },
} satisfies Record<string, Act>;

export type TlsReportView = PlainOf<typeof report>;
export type PendingTlsReport = PlainOf<typeof pending>;
export type TlsReportMethods = MethodsOf<typeof tlsReportActs>;
