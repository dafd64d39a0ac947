/**
 * `POST /api/v1/password-reset` and what its link is for: a new password for who lost the old one.
 *
 * Runs in:   edge (main thread).
 * Limits:    `resetsPerMinuteMax` of an address, `strangerRequestsPerMinuteMax` as of all strangers; small bodies.
 * Invariant: who asks is answered alike, and at once, whoever is there.
 */

import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { only } from '../../../../actors/asks/act.ts';
import { checkOf } from '../../../../actors/asks/check-params.ts';
import type { Result } from '../../../../base/errors.ts';
import { peerNetwork } from '../../../../base/networks.ts';
import { kibibyte } from '../../../../base/units.ts';
import type { Clock } from '../../../../ports/clock.ts';
import { RequestRates } from '../../../guard/request-rates.ts';
import { ApiFault } from '../api/fault.ts';
import { peerOf } from './asked-by.ts';

const bodyLimit = 8 * kibibyte;
const resetsPerMinuteMax = 10;

const askSchema = only({
  name: Type.String({ minLength: 1, maxLength: 1_000, description: "The account's address." }),
});
const setSchema = only({
  token: Type.String({ minLength: 1, maxLength: 100 }),
  password: Type.String({ minLength: 1, maxLength: 4_096 }),
});

/** Links to new passwords, as HTTP asks for them. */
export interface Resets {
  /** Nobody learns what comes of it. */
  ask(name: string): void;
  isGood(token: string): Promise<boolean>;
  /** `argument-invalid`: the link is good still, and the password is refused. */
  set(token: string, password: string, peer: string): Promise<Result<object>>;
}

export function resetRoutes(app: FastifyInstance, resets: Resets, clock: Clock): void {
  const rates = new RequestRates(resetsPerMinuteMax);
  const config = { access: 'stranger' };
  const isAsked = checkOf(askSchema);
  const isSet = checkOf(setSchema);
  app.post('/api/v1/password-reset', {
    ...{ config, bodyLimit },
    async handler(request) {
      refuseFault(isAsked(request.body));
      const seconds = rates.take(peerNetwork(peerOf(request).address), clock.monotonicMs());
      if (seconds > 0) {
        throw new ApiFault('rate-exceeded', 'too many requests', { retryAfterSeconds: seconds });
      }
      resets.ask((request.body as Static<typeof askSchema>).name);
      return {};
    },
  });
  app.post('/api/v1/password-reset/done', {
    ...{ config, bodyLimit },
    async handler(request) {
      refuseFault(isSet(request.body));
      const { token, password } = request.body as Static<typeof setSchema>;
      const answer = await resets.set(token, password, peerOf(request).address);
      if (answer.ok) return {};
      const { code, detail } = answer;
      throw new ApiFault(code, code === 'argument-invalid' ? detail : code.replaceAll('-', ' '));
    },
  });
}

/** @throws ApiFault */
function refuseFault(fault: { readonly message: string; readonly path: string } | undefined): void {
  if (fault === undefined) return;
  throw new ApiFault('argument-invalid', fault.message, { path: fault.path });
}

const json = (schema: unknown) => ({ 'application/json': { schema } });
const operation = (operationId: string, summary: string, schema: unknown) => ({
  post: {
    ...{ operationId, summary, tags: ['token'], security: [] },
    requestBody: { required: true, content: json(schema) },
    responses: {
      200: { description: 'Done.', content: json(only({})) },
      400: { description: 'Not as it should be, or a password that is refused.' },
      401: { description: 'No link that is good.' },
      429: { description: 'Too many requests; Retry-After says when.' },
    },
  },
});

export const resetPaths = {
  '/api/v1/password-reset': operation(
    'askForPasswordReset',
    'Has a link to a new password mailed to the recovery address; tells nothing of who is there.',
    askSchema,
  ),
  '/api/v1/password-reset/done': operation(
    'resetPassword',
    'Sets a password by a link, which is good once. All sessions end.',
    setSchema,
  ),
} as const;
