/**
 * `POST /api/v1/messages`: takes a message as JSON or whole.
 *
 * Runs in:   edge (main thread).
 * Invariant: 202 comes after the sync of the message's record, as 250 does.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { MessageParts } from '../../../../actors/asks/compose-job.ts';
import type { Result } from '../../../../base/errors.ts';
import type { MessageId } from '../../../../base/ids.ts';
import { readPath } from './addresses.ts';
import { type MessageGiven, readDraft, readTerms } from './draft.ts';
import { ApiFault } from './fault.ts';
import type { KeyRates } from './key-rates.ts';
import { authorDomains, canonical } from './raw.ts';
import { acceptedSchema, messageSchema, rawQuerySchema } from './schema.ts';
import { type ApiParts, type Caller, callerOf } from './server.ts';
import { checkDomain, resolveRecipients, submit } from './submit.ts';

/** Builds a message, off this thread. */
export type ComposeMessage = (
  parts: MessageParts,
) => Promise<Result<{ readonly body: Uint8Array }>>;

interface RawQuery {
  readonly from?: string;
  readonly to?: string | readonly string[];
  readonly campaign?: string;
  readonly priority?: string;
  readonly sendAt?: string;
}

export function messageRoutes(app: FastifyInstance, parts: ApiParts, rates: KeyRates): void {
  app.post('/api/v1/messages', {
    schema: {
      querystring: rawQuerySchema,
      body: { content: { 'application/json': { schema: messageSchema } } },
      response: { 202: acceptedSchema },
    },
    async handler(request, reply) {
      const caller = callerOf(request);
      const waitSeconds = rates.take(caller.key, 1, parts.clock.nowMs());
      if (waitSeconds > 0) {
        const more = { retryAfterSeconds: waitSeconds };
        throw new ApiFault('rate-exceeded', 'this key has handed in too much', more);
      }
      const id = Buffer.isBuffer(request.body)
        ? await takeRaw(parts, caller, request as FastifyRequest<{ Body: Buffer }>)
        : await takeDraft(parts, caller, request.body as MessageGiven);
      reply.code(202);
      return { ids: [id] };
    },
  });
}

async function takeDraft(parts: ApiParts, caller: Caller, given: MessageGiven): Promise<MessageId> {
  const { directory, reception, clock } = parts;
  const { hostname, holdMsMax } = parts.policy();
  const draft = readDraft(given, holdMsMax, clock.nowMs());
  const { tenant } = caller.key;
  await checkDomain(directory, tenant, draft.from.path.domain, '/from');
  await checkDomain(directory, tenant, domainOf(draft.sender), '/returnPath');
  const recipients = await resolveRecipients(parts, draft.recipients);
  const id = reception.nextId();
  const composed = await parts.compose({
    ...draft.parts,
    messageId: `<${id}@${hostname}>`,
    dateMs: clock.nowMs(),
  });
  if (!composed.ok) throw new ApiFault(composed.code, 'the message was not built');
  await submit(parts, {
    ...caller,
    id,
    sender: draft.sender,
    recipients,
    terms: draft.terms,
    authorDomains: [draft.from.path.domain],
    body: composed.body,
  });
  return id;
}

async function takeRaw(
  parts: ApiParts,
  caller: Caller,
  request: FastifyRequest<{ Body: Buffer }>,
): Promise<MessageId> {
  const { directory, reception, clock } = parts;
  const { lineBytesMax, holdMsMax } = parts.policy();
  const query = request.query as RawQuery;
  const { from, to = [] } = query;
  if (from === undefined) throw missing('from');
  const addresses = typeof to === 'string' ? [to] : to;
  if (addresses.length === 0) throw missing('to');
  const sender = readPath(from, '/query/from');
  const recipients = await resolveRecipients(
    parts,
    addresses.map((each, index) => {
      const place = `/query/to/${index}`;
      return { path: readPath(each, place), place };
    }),
  );
  const { tenant } = caller.key;
  await checkDomain(directory, tenant, sender.domain, '/query/from');
  const body = canonical(request.body, lineBytesMax);
  const authors = authorDomains(body);
  for (const domain of authors) await checkDomain(directory, tenant, domain, '/from');
  const id = reception.nextId();
  await submit(parts, {
    ...caller,
    id,
    sender: sender.address,
    recipients,
    terms: readTerms(termsGiven(query), holdMsMax, clock.nowMs()),
    authorDomains: [sender.domain, ...authors],
    body,
  });
  return id;
}

function termsGiven({ priority, campaign, sendAt }: RawQuery) {
  return {
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(campaign === undefined ? {} : { campaign }),
    ...(sendAt === undefined ? {} : { sendAt }),
  };
}

function missing(name: string): ApiFault {
  const path = `/query/${name}`;
  return new ApiFault('argument-invalid', `a whole message needs ?${name}=`, { path });
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
