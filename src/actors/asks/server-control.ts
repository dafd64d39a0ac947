/**
 * What operators may ask of the server itself, of its store and of the sources its mail leaves by.
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
  listOf,
  type MethodsOf,
  nameText,
  nothing,
  only,
  type PlainOf,
  shardNumber,
} from './act.ts';

const text = Type.String();
const oneSource = only({ name: nameText });

const status = Type.Object({
  version: text,
  processId: count,
  startedMs: epochMs,
  isReady: flag,
  listeners: Type.Record(text, listOf(text), {
    description: 'Listener name → addresses as bound, as `{ smtp: ["127.0.0.1:2525"] }`.',
  }),
});

const source = Type.Object({
  name: text,
  ipv4: Type.Optional(text),
  ipv6: Type.Optional(text),
  helloName: text,
  proxy: Type.Optional(text),
  pools: listOf(text),
  state: Type.Enum(['active', 'suspended', 'down'], {
    description: 'down: it failed by itself, and is tried again after `downUntilMs`.',
  }),
  downUntilMs: Type.Optional(epochMs),
  downReason: Type.Optional(text),
  warmup: Type.Optional(Type.Object({ day: count, days: count })),
  today: Type.Array(Type.Object({ provider: text, count, plan: count }), {
    description: "Of today's plan, by provider, most first: what was given out to be sent.",
  }),
  suspensions: listOf(Type.Object({ site: text, untilMs: epochMs })),
});

const shards = only({
  shards: Type.Array(shardNumber, { maxItems: 1_024, description: 'Empty: all.' }),
});
const checked = Type.Object({
  shardCount: count,
  recordCount: count,
  bytes: count,
  findingCount: count,
});
const finding = Type.Object({
  shard: count,
  segment: text,
  offset: count,
  reason: text,
  messages: Type.Array(text, { description: 'Messages hit, as far as they can be named.' }),
});
const isLong = 'it may take hours and tells how far it is, which no proxy waits for';

export const serverActs = {
  'server.status': {
    rest: 'GET /api/v1/server',
    summary: 'Version, start, listeners, and whether mail is taken.',
    params: nothing,
    result: status,
  },
  'message.send': {
    cliOnly: 'its body is a whole message of any sender: programs have POST /api/v1/messages',
    summary: 'Hands in a message. It is the body, with CRLF line ends.',
    params: only({
      sender: Type.String({ maxLength: 1_000 }),
      recipients: Type.Array(addressText, { maxItems: 100_000 }),
    }),
    result: Type.Object({ id: text, recipients: listOf(text) }),
  },
  'store.verify': {
    cliOnly: isLong,
    summary: 'Reads journals and bodies of shards, and hands out what is wrong.',
    params: shards,
    result: checked,
    item: finding,
  },
  'store.rebuild': {
    cliOnly: isLong,
    summary: 'Makes the indexes of shards again from their journals.',
    params: shards,
    result: checked,
  },
  'store.compact': {
    cliOnly: isLong,
    summary: 'Gives room of removed mail back.',
    params: shards,
    result: Type.Object({ shardCount: count, segmentsRemoved: count, bytesFreed: Type.Number() }),
  },
  'source.list': {
    rest: 'GET /api/v1/sources',
    summary: 'Sources mail leaves by, and how they stand.',
    params: nothing,
    result: Type.Object({ sources: listOf(source) }),
  },
  'source.suspend': {
    rest: 'POST /api/v1/sources/{name}/suspend',
    summary: 'Has no mail leave by a source.',
    params: oneSource,
    result: nothing,
  },
  'source.resume': {
    rest: 'POST /api/v1/sources/{name}/resume',
    summary: 'Has mail leave by a source again.',
    params: oneSource,
    result: nothing,
  },
  'source.warmup': {
    rest: 'POST /api/v1/sources/{name}/warmup',
    summary: "Begins a source's warm-up anew.",
    params: oneSource,
    result: nothing,
  },
} satisfies Record<string, Act>;

export type ServerStatus = PlainOf<typeof status>;
export type StoreFinding = PlainOf<typeof finding>;
export type ServerMethods = MethodsOf<typeof serverActs>;
