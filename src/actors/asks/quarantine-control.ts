/**
 * What may be asked of accounts' quarantines.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import {
  type Act,
  addressText,
  count,
  epochMs,
  flag,
  type MethodsOf,
  only,
  type PlainOf,
  rowNumber,
} from './act.ts';
import { heldIdsMax } from './quarantine-asks.ts';

const account = addressText;
const ids = Type.Array(rowNumber, { minItems: 1, maxItems: heldIdsMax });
const text = Type.String();

const held = Type.Object({
  id: count,
  kind: Type.Union([Type.Literal('spam'), Type.Literal('policy')], {
    description: '`policy`: not for its score; only `quarantine.force` releases it.',
  }),
  heldMs: epochMs,
  untilMs: Type.Number({ description: 'Then it is expunged.' }),
  bytes: count,
  from: text,
  subject: text,
  sender: Type.String({ description: 'Of its envelope; "" is a bounce.' }),
  scanner: text,
  percent: Type.Optional(count),
});

const released = Type.Object({
  count,
  refused: Type.Integer({ description: 'There, and not released: kept apart by a policy.' }),
});

export const quarantineActs = {
  'quarantine.list': {
    rest: 'GET /api/v1/accounts/{account}/quarantine',
    summary: 'Hands out what is in quarantine, the oldest first.',
    params: only({
      account,
      search: Type.Optional(
        Type.String({ maxLength: 200, description: 'In sender or subject, whatever the case.' }),
      ),
    }),
    result: Type.Object({ count }),
    item: held,
  },
  'quarantine.show': {
    rest: 'GET /api/v1/accounts/{account}/quarantine/{id}',
    summary: 'A message in quarantine: its text, or the beginning of a large one.',
    params: only({ account, id: rowNumber }),
    result: Type.Object({
      bytes: count,
      message: Type.String({ description: 'Base64.' }),
      isCut: flag,
    }),
  },
  'quarantine.release': {
    rest: 'POST /api/v1/accounts/{account}/quarantine/release',
    summary: 'Puts messages into INBOX that are kept apart for their score.',
    params: only({ account, ids }),
    result: released,
  },
  'quarantine.force': {
    rest: 'POST /api/v1/accounts/{account}/quarantine/force',
    summary: 'Puts messages into INBOX, whatever they are kept apart for.',
    params: only({ account, ids }),
    result: released,
  },
  'quarantine.delete': {
    rest: 'POST /api/v1/accounts/{account}/quarantine/delete',
    summary: 'Expunges messages in quarantine: nobody has them back.',
    params: only({ account, ids }),
    result: Type.Object({ count }),
  },
} satisfies Record<string, Act>;

export type HeldView = PlainOf<typeof held>;
export type QuarantineMethods = MethodsOf<typeof quarantineActs>;
