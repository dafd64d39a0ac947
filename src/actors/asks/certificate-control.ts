/**
 * What operators may ask about the certificates of the listeners.
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
  nothing,
  only,
  type PlainOf,
} from './act.ts';

const certificate = Type.Object({
  name: Type.String(),
  source: Type.Enum(['file', 'acme', 'self-signed']),
  isDefault: flag,
  names: Type.Array(Type.String(), {
    description: 'Those it is for; those it is ordered for, while it has not come.',
  }),
  issuer: Type.Optional(Type.String()),
  notBeforeMs: Type.Optional(epochMs),
  notAfterMs: Type.Optional(epochMs),
  fingerprint: Type.Optional(Type.String({ description: 'SHA-256, hex.' })),
  nextOrderMs: Type.Optional(epochMs),
  error: Type.Optional(Type.String({ description: 'Why it is not as it should be.' })),
});

const answer = Type.Object({ certificates: listOf(certificate) });

export const certificateActs = {
  'certificate.list': {
    rest: 'GET /api/v1/certificates',
    summary: 'Certificates of the listeners: whose, until when, and what is wrong with them.',
    params: nothing,
    result: answer,
  },
  'certificate.renew': {
    rest: 'POST /api/v1/certificates/{name}/renew',
    summary: 'Orders a certificate from its authority now, or reads its files again.',
    params: only({ name: nameText }),
    result: answer,
  },
} satisfies Record<string, Act>;

export type CertificateView = PlainOf<typeof certificate>;
export type CertificateMethods = MethodsOf<typeof certificateActs>;
