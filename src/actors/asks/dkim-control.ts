/**
 * What operators may ask about signing keys.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Invariant: no private key is in it.
 */

import { Type } from 'typebox';
import {
  type Act,
  epochMs,
  flag,
  listOf,
  type MethodsOf,
  nameText,
  only,
  type PlainOf,
} from './act.ts';
import { dnsRecord } from './dns-record.ts';

/** RFC 6376 §3.3.1, RFC 8463. */
export const dkimAlgorithm = Type.Enum(['rsa-sha256', 'ed25519-sha256']);

const dkimKey = Type.Object({
  domain: Type.String(),
  selector: Type.String(),
  algorithm: dkimAlgorithm,
  state: Type.Enum(['waiting', 'signing', 'retired', 'removable'], {
    description:
      'waiting: for its record to be seen; retired: its record is needed still; removable: no more.',
  }),
  createdMs: epochMs,
  publishUntilMs: Type.Optional(epochMs),
  record: dnsRecord,
});

const keysAnswer = Type.Object({ keys: listOf(dkimKey) });
const force = Type.Optional(flag);

export const dkimActs = {
  'dkim.list': {
    rest: 'GET /api/v1/dkim-keys',
    summary: 'Signing keys of a domain, or of all.',
    params: only({ domain: Type.Optional(nameText) }),
    result: keysAnswer,
  },
  'dkim.rotate': {
    rest: 'POST /api/v1/domains/{domain}/dkim-keys',
    summary: 'Makes new keys, which sign once their records are seen; or at once by `force`.',
    params: only({
      domain: nameText,
      /** Absent: the algorithms the domain signs with. */
      signWith: Type.Optional(listOf(dkimAlgorithm)),
      force,
    }),
    result: keysAnswer,
  },
  'dkim.retire': {
    rest: 'POST /api/v1/domains/{domain}/dkim-keys/{selector}/retire',
    summary: 'Has a key sign no more; by `force` also where it is the last.',
    params: only({ domain: nameText, selector: nameText, force }),
    result: keysAnswer,
  },
  'dkim.delete': {
    rest: 'DELETE /api/v1/domains/{domain}/dkim-keys/{selector}',
    summary: 'Forgets a retired key; by `force` also one whose record is needed.',
    params: only({ domain: nameText, selector: nameText, force }),
    result: keysAnswer,
  },
} satisfies Record<string, Act>;

export type DkimKeyView = PlainOf<typeof dkimKey>;
export type DkimMethods = MethodsOf<typeof dkimActs>;
