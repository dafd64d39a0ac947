/**
 * What may be asked of ways back into an account: where links to a new password go, and a link handed out.
 *
 * Runs in:   both sides of the control socket; plain data only.
 * Invariant: a link is in the answer that made it, and in no other.
 */

import { Type } from 'typebox';
import { type Act, addressText, epochMs, type MethodsOf, nothing, only } from './act.ts';

const oneAccount = { address: addressText };
const recoveryAddress = Type.String({ maxLength: 254, description: 'Elsewhere; "": none.' });

export const recoveryActs = {
  'recovery.show': {
    rest: 'GET /api/v1/accounts/{address}/recovery-address',
    summary: 'Where links to a new password of an account go.',
    params: only(oneAccount),
    result: Type.Object({ recoveryAddress }),
  },
  'recovery.set': {
    rest: 'PUT /api/v1/accounts/{address}/recovery-address',
    summary: 'Sets where links to a new password of an account go.',
    params: only({ ...oneAccount, recoveryAddress }),
    result: nothing,
  },
  'recovery.link': {
    rest: 'POST /api/v1/accounts/{address}/reset-link',
    summary:
      'Makes a link to set a new password: good once, for an hour. It is answered this once.',
    params: only(oneAccount),
    result: Type.Object({
      token: Type.String(),
      url: Type.String({ description: '"" where the server has no web pages.' }),
      expiresMs: epochMs,
    }),
  },
} satisfies Record<string, Act>;

export type RecoveryMethods = MethodsOf<typeof recoveryActs>;
