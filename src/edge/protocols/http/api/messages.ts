/**
 * `POST /api/v1/messages`: takes a message as JSON or whole, or one for each recipient of a batch.
 *
 * Runs in:   edge (main thread).
 * Invariant: 202 comes after the sync of the message's record, as 250 does.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { MessageParts } from '../../../../actors/asks/compose-job.ts';
import { type DeliveryTerms, isPoolName } from '../../../../actors/asks/delivery-terms.ts';
import type { EnvelopeRecipient } from '../../../../actors/asks/reception.ts';
import { domainOf } from '../../../../base/address-parts.ts';
import type { Result } from '../../../../base/errors.ts';
import { idempotencyHash, idempotencyOf, isIdempotencyKey } from '../../../guard/idempotency.ts';
import { readPath } from './addresses.ts';
import { type Caller, callerOf } from './caller.ts';
import { type Draft, type MessageGiven, readDraft, readTerms } from './draft.ts';
import { type EachTaken, takeEach } from './each.ts';
import { ApiFault } from './fault.ts';
import type { KeyRates } from './key-rates.ts';
import { authorDomains, canonical } from './raw.ts';
import { Rendering } from './rendering.ts';
import { messageSchema, rawQuerySchema } from './schema.ts';
import {
  checkDomain,
  type HandIn,
  judge,
  overQuota,
  type ResolvedRecipients,
  refuseNobody,
  resolveRecipients,
  type SubmitParts,
  submit,
} from './submit.ts';

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
  readonly dryRun?: string;
}

export interface MessageRouteParts extends SubmitParts {
  readonly compose: ComposeMessage;
}

/** Of each message, what handing it in came to. */
interface Taken<T> extends EachTaken<T> {
  readonly suppressed?: readonly SuppressedOf[];
}

interface SuppressedOf {
  readonly index: number;
  readonly address: string;
  readonly reason: string;
}

export function messageRoutes(app: FastifyInstance, parts: MessageRouteParts, rates: KeyRates) {
  app.post('/api/v1/messages', {
    schema: {
      querystring: rawQuerySchema,
      body: { content: { 'application/json': { schema: messageSchema } } },
    },
    async handler(request, reply): Promise<object> {
      const caller = askerOf(request);
      const given = Buffer.isBuffer(request.body) ? undefined : (request.body as MessageGiven);
      const repeats = repeatsOf(caller, request.headers['idempotency-key']);
      const count = given?.recipients?.length ?? 1;
      const waitSeconds = rates.take(caller.key, count, parts.clock.nowMs());
      if (waitSeconds > 0) {
        const more = { retryAfterSeconds: waitSeconds };
        throw new ApiFault('rate-exceeded', 'this key has handed in too much', more);
      }
      refuseOverQuota(parts, caller, count);
      const query = request.query as RawQuery;
      // Said in either place: what was meant to be a dry run must not be sent.
      const isDryRun = given?.dryRun === true || query.dryRun === 'true';
      const take = <T>(handIn: HandIn<T>): Promise<Taken<T>> => {
        const taking = { parts, caller, repeats, handIn, isDryRun };
        return given === undefined
          ? takeRaw(taking, request as FastifyRequest<{ Body: Buffer }>)
          : takeDraft(taking, given);
      };
      if (isDryRun) {
        const { each: messages, ...refused } = await take(judge);
        return { dryRun: true, messages, ...refused };
      }
      const { each: ids, ...refused } = await take(submit);
      reply.code(202);
      return { ids, ...refused };
    },
  });
}

/** @throws ApiFault where a request asks for more than its tenant has left. */
function refuseOverQuota({ reception }: MessageRouteParts, { key }: Asker, count: number): void {
  const waitMs = reception.quotaWaitMs(key.tenant, count);
  if (waitMs > 0) throw overQuota(waitMs);
}

interface Taking<T> {
  readonly parts: MessageRouteParts;
  readonly caller: Asker;
  readonly repeats: RepeatHash;
  readonly handIn: HandIn<T>;
  readonly isDryRun: boolean;
}

/** Who asks, and for which pool of sources. */
interface Asker extends Caller {
  readonly pool: string | undefined;
}

/** @throws ApiFault */
function askerOf(request: FastifyRequest): Asker {
  const pool = request.headers['x-chaski-pool'];
  if (pool !== undefined && (typeof pool !== 'string' || !isPoolName(pool))) {
    throw new ApiFault('argument-invalid', 'one name of a pool', { path: '/header/X-Chaski-Pool' });
  }
  return { ...callerOf(request), pool };
}

function withPool(terms: DeliveryTerms, { pool }: Asker): DeliveryTerms {
  return pool === undefined ? terms : { ...terms, pool };
}

/** The hash of the request's key for each of its messages; undefined without a key. */
type RepeatHash = (index: number) => string | undefined;

/** @throws ApiFault */
function repeatsOf({ key }: Caller, header: string | readonly string[] | undefined): RepeatHash {
  if (header === undefined) return () => undefined;
  if (typeof header !== 'string' || !isIdempotencyKey(header)) {
    const path = '/header/Idempotency-Key';
    throw new ApiFault('argument-invalid', 'one key of at most 255 characters', { path });
  }
  return (index) => idempotencyHash(key.tenant, header, index);
}

async function takeDraft<T>(taking: Taking<T>, given: MessageGiven): Promise<Taken<T>> {
  const { parts, caller, repeats, isDryRun } = taking;
  const { directory, clock } = parts;
  const { messageBytesMax, holdMsMax } = parts.policy();
  const draft = readDraft(given, holdMsMax, clock.nowMs());
  const rendering = new Rendering(draft, messageBytesMax);
  rendering.check();
  const { tenant } = caller.key;
  await checkDomain(directory, tenant, draft.from.path.domain, '/from');
  await checkDomain(directory, tenant, domainOf(draft.sender), '/returnPath');
  const resolved: ResolvedRecipients[] = [];
  const stream = draft.terms.campaign ?? '';
  const from = { tenant, stream, sender: draft.sender, isDryRun };
  for (const copy of draft.copies) {
    resolved.push(await resolveRecipients(parts, from, copy.recipients));
  }
  const taken = await takeEach(draft.copies.length, async (index) => {
    const copy = draft.copies[index]!;
    refuseNobody(resolved[index]!);
    return await takeCopy(taking, draft, {
      rendered: { ...draft.shared, ...rendering.of(copy), to: copy.to },
      recipients: resolved[index]!.recipients,
      idempotency: repeats(index),
    });
  });
  return { ...taken, ...suppressedOf(resolved) };
}

function suppressedOf(resolved: readonly ResolvedRecipients[]): Pick<Taken<unknown>, 'suppressed'> {
  const all = resolved.flatMap(({ suppressed }, index) =>
    suppressed.map(({ address, reason }) => ({ index, address, reason })),
  );
  return all.length === 0 ? {} : { suppressed: all };
}

interface CopyToTake {
  readonly rendered: Omit<MessageParts, 'messageId' | 'dateMs'>;
  readonly recipients: readonly EnvelopeRecipient[];
  readonly idempotency: string | undefined;
}

async function takeCopy<T>(
  { parts, caller, handIn }: Taking<T>,
  draft: Draft,
  { rendered, recipients, idempotency }: CopyToTake,
): Promise<T> {
  const { reception, clock, policy } = parts;
  const id = reception.nextId();
  const messageId = `<${id}@${policy().hostname}>`;
  const composed = await parts.compose({ ...rendered, messageId, dateMs: clock.nowMs() });
  if (!composed.ok) throw new ApiFault(composed.code, 'the message was not built');
  return await handIn(parts, {
    ...caller,
    id,
    sender: draft.sender,
    recipients,
    terms: withPool(draft.terms, caller),
    authorDomains: [draft.from.path.domain],
    body: composed.body,
    idempotency,
  });
}

async function takeRaw<T>(
  { parts, caller, repeats, handIn, isDryRun }: Taking<T>,
  request: FastifyRequest<{ Body: Buffer }>,
): Promise<Taken<T>> {
  const { directory, reception, clock } = parts;
  const { lineBytesMax, holdMsMax } = parts.policy();
  const query = request.query as RawQuery;
  const { from, to = [] } = query;
  if (from === undefined) throw missing('from');
  const addresses = typeof to === 'string' ? [to] : to;
  if (addresses.length === 0) throw missing('to');
  const sender = readPath(from, '/query/from');
  const { tenant } = caller.key;
  const terms = readTerms(termsGiven(query), holdMsMax, clock.nowMs());
  const resolved = await resolveRecipients(
    parts,
    { tenant, stream: terms.campaign ?? '', sender: sender.address, isDryRun },
    addresses.map((each, index) => {
      const place = `/query/to/${index}`;
      return { path: readPath(each, place), place };
    }),
  );
  refuseNobody(resolved);
  await checkDomain(directory, tenant, sender.domain, '/query/from');
  const body = canonical(request.body, lineBytesMax);
  const authors = authorDomains(body);
  for (const domain of authors) await checkDomain(directory, tenant, domain, '/from');
  const taken = await handIn(parts, {
    ...caller,
    id: reception.nextId(),
    sender: sender.address,
    recipients: resolved.recipients,
    terms: withPool(terms, caller),
    authorDomains: [sender.domain, ...authors],
    body,
    idempotency: repeats(0) ?? idempotencyOf(tenant, [body]),
  });
  return { each: [taken], ...suppressedOf([resolved]) };
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
