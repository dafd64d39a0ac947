/**
 * What operators may ask about shaping.
 *
 * Runs in: both sides of the control socket; plain data only.
 */

import { Type } from 'typebox';
import type { Match } from '../../settings/shaping/rules.ts';
import {
  type Act,
  anyText,
  epochMs,
  formOf,
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
} from './act.ts';

const mark = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['suspend', 'slow', 'source']),
  path: Type.String({ description: 'Of this path alone; empty where `match` says of which.' }),
  match: formOf<Match>('Which mail it is about.'),
  tenant: Type.Integer({ description: "Of this tenant's mail alone, or -1." }),
  connectionsMax: Type.Optional(Type.Number()),
  messagesPerSecond: Type.Optional(Type.Number()),
  by: Type.String({ description: '`operator`, or the name of a response rule.' }),
  why: Type.String(),
  sinceMs: epochMs,
  untilMs: epochMs,
});
const marks = Type.Object({ marks: listOf(mark) });

const shown = Type.Object({
  domain: Type.String(),
  path: Type.String({ description: 'Empty where it leads nowhere: `trouble` says why.' }),
  trouble: Type.String(),
  provider: Type.String(),
  limits: listOf(Type.Object({ limit: Type.String(), value: Type.String(), rule: Type.String() })),
  responses: listOf(Type.String()),
  marks: listOf(mark),
});

export const shapingActs = {
  'shaping.show': {
    rest: 'GET /api/v1/shaping/rules',
    summary: 'Says which shaping rules hold for mail to a domain.',
    params: only({
      domain: nameText,
      tenant: Type.Optional(anyText),
      campaign: Type.Optional(anyText),
      source: Type.Optional(anyText),
    }),
    result: shown,
  },
  'shaping.suspend': {
    rest: 'POST /api/v1/shaping/suspensions',
    summary: 'Stops mail for a time: where all that is given holds.',
    params: only({
      forMs: Type.Number({ exclusiveMinimum: 0 }),
      why: anyText,
      provider: Type.Optional(nameText),
      site: Type.Optional(nameText),
      source: Type.Optional(nameText),
      domain: Type.Optional(nameText),
      tenant: Type.Optional(nameText),
    }),
    result: Type.Object({ mark }),
  },
  'shaping.resume': {
    rest: 'POST /api/v1/shaping/resume',
    summary: 'Ends suspensions, and answers what was ended.',
    params: only({
      ids: Type.Array(nameText, { maxItems: 10_000 }),
      all: Type.Optional(Type.Literal(true)),
    }),
    defaults: { ids: [] },
    result: marks,
  },
  'shaping.list': {
    rest: 'GET /api/v1/shaping/suspensions',
    summary: 'What is suspended, slowed or left now.',
    params: nothing,
    result: marks,
  },
} satisfies Record<string, Act>;

export type ShapingMethods = MethodsOf<typeof shapingActs>;
