/**
 * The admin API: each act of the control table at its place.
 *
 * Runs in:   edge (main thread).
 * Limits:    `actsMax` at a time; a request's bytes, and requests a minute, by `limits.ts`.
 * Invariant: what an act refuses as `not-found` is told in the same words whatever the reason, so another tenant's
 *            resource is as one that is not there.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { faultOfParams } from '../../../../actors/asks/check-params.ts';
import type { ControlCall, ControlMethod } from '../../../../actors/asks/control.ts';
import type { AskedBy } from '../../../../actors/asks/principal.ts';
import { emptyBytes } from '../../../../base/bytes.ts';
import { type ErrorCode, MailError } from '../../../../base/errors.ts';
import { ApiFault } from '../api/fault.ts';
import { askedByOf } from './asked-by.ts';
import { givenParams } from './given-params.ts';
import { actsMax, bodyBytesMax, itemsMax } from './limits.ts';
import { type RestRoute, restRoutes } from './route-table.ts';

/** Does an act, with `by` to be allowed or refused. @throws MailError */
export type DoAct = (
  act: ControlMethod,
  params: unknown,
  call: ControlCall<unknown> & { readonly by: AskedBy },
) => Promise<unknown>;

export function adminRoutes(app: FastifyInstance, doAct: DoAct): void {
  let underWay = 0;
  for (const route of restRoutes) {
    app.route({
      method: route.verb,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      config: { access: 'principal' },
      bodyLimit: bodyBytesMax,
      async handler(request, reply) {
        if (underWay >= actsMax) throw new ApiFault('store-busy', 'too many acts at a time');
        underWay++;
        try {
          const answer = await answerOf(route, { request, reply }, doAct);
          if (route.verb === 'POST' && route.act.endsWith('.create')) reply.code(201);
          return answer;
        } finally {
          underWay--;
        }
      },
    });
  }
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function answerOf(
  route: RestRoute,
  { request, reply }: Exchange,
  doAct: DoAct,
): Promise<object> {
  const by = askedByOf(request);
  const { principal } = by;
  const own = principal.kind === 'account' ? principal.address : undefined;
  const { params: path, query, body } = request;
  const params = givenParams(route, { path, query, body }, own);
  const fault = faultOfParams(route.act, params);
  if (fault !== undefined) {
    throw new ApiFault('argument-invalid', fault.message, { path: fault.path });
  }
  const leaving = new AbortController();
  reply.raw.once('close', () => leaving.abort());
  const items: unknown[] = [];
  let isComplete = true;
  const emit = async (item: unknown) => {
    isComplete = items.length < itemsMax;
    if (isComplete) items.push(item);
    else leaving.abort();
  };
  try {
    const call = { by, body: emptyBytes, signal: leaving.signal, emit };
    const result = (await doAct(route.act, params, call)) as object;
    return route.item === undefined ? result : { ...result, items, isComplete };
  } catch (error) {
    throw error instanceof MailError ? faultOfAct(error) : error;
  }
}

/** Words that are the asker's own business: what was wrong with what it gave, or stands in its way. */
const tellable: readonly ErrorCode[] = ['argument-invalid', 'already-exists', 'not-possible-now'];

function faultOfAct({ code, detail }: MailError): ApiFault {
  const words = tellable.includes(code) && detail !== '' ? detail : code.replaceAll('-', ' ');
  const more = code === 'not-possible-now' ? { status: 409 } : {};
  return new ApiFault(code, code === 'not-found' ? 'no such resource' : words, more);
}
