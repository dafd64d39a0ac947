/**
 * `POST /api/v1/messages`: takes a message as JSON or whole, or one for each recipient of a batch.
 *
 * Runs in:   edge (main thread).
 * Invariant: 202 comes after the sync of the message's record, as 250 does.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPoolName } from '../../../../actors/asks/delivery-terms.ts';
import { idempotencyHash, idempotencyOf, isIdempotencyKey } from '../../../guard/idempotency.ts';
import { readPath } from './addresses.ts';
import type { BatchDesk } from './batches.ts';
import { callerOf } from './caller.ts';
import { type MessageGiven, readTerms } from './draft.ts';
import { type Asker, Drafted, type MessageRouteParts, withPool } from './drafted.ts';
import { type EachTaken, takeEach } from './each.ts';
import { ApiFault } from './fault.ts';
import type { KeyRates } from './key-rates.ts';
import { authorDomains, canonical } from './raw.ts';
import { messageSchema, rawQuerySchema } from './schema.ts';
import {
  checkDomain,
  type HandIn,
  judge,
  overQuota,
  overRate,
  type ResolvedRecipients,
  refuseNobody,
  resolveRecipients,
  submit,
} from './submit.ts';

interface RawQuery {
  readonly from?: string;
  readonly to?: string | readonly string[];
  readonly campaign?: string;
  readonly priority?: string;
  readonly sendAt?: string;
  readonly dryRun?: string;
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

export interface MessageRoutesParts extends MessageRouteParts {
  readonly batches: BatchDesk;
}

export function messageRoutes(app: FastifyInstance, parts: MessageRoutesParts, rates: KeyRates) {
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
      if (given?.deferGeneration === true && parts.policy().mayDefer) {
        reply.code(202);
        const key = request.headers['idempotency-key'] as string | undefined;
        return await defer(parts, caller, given, key);
      }
      const { each: ids, ...refused } = await take(submit);
      reply.code(202);
      return { ids, ...refused };
    },
  });
}

/** As far as the request alone can tell, all of it can be made. */
async function defer(
  { batches, ...parts }: MessageRoutesParts,
  asker: Asker,
  given: MessageGiven,
  idempotencyKey: string | undefined,
): Promise<object> {
  const { count } = await Drafted.read(parts, asker, given);
  const { id } = await batches.begin({ asker, given, count, idempotencyKey });
  return { batch: id, count };
}

/** @throws ApiFault where a request asks for more than its tenant has left. */
function refuseOverQuota({ reception }: MessageRouteParts, { key }: Asker, count: number): void {
  const waitMs = reception.quotaWaitMs(key.tenant, count);
  if (waitMs > 0) throw overQuota(waitMs);
}

/** All of a request is refused before any of it is taken. @throws ApiFault */
async function refuseOverRate(
  { sendRates }: MessageRouteParts,
  { key, peer }: Asker,
  sender: string,
  count: number,
): Promise<void> {
  const from = { tenant: key.tenant, account: undefined, sender, peerAddress: peer.address };
  const reached = await sendRates?.look(from, count);
  if (reached !== undefined) throw overRate(reached);
}

interface Taking<T> {
  readonly parts: MessageRouteParts;
  readonly caller: Asker;
  readonly repeats: RepeatHash;
  readonly handIn: HandIn<T>;
  readonly isDryRun: boolean;
}

/** @throws ApiFault */
function askerOf(request: FastifyRequest): Asker {
  const pool = request.headers['x-chaski-pool'];
  if (pool !== undefined && (typeof pool !== 'string' || !isPoolName(pool))) {
    throw new ApiFault('argument-invalid', 'one name of a pool', { path: '/header/X-Chaski-Pool' });
  }
  return { ...callerOf(request), pool };
}

/** The hash of the request's key for each of its messages; undefined without a key. */
type RepeatHash = (index: number) => string | undefined;

/** @throws ApiFault */
function repeatsOf({ key }: Asker, header: string | readonly string[] | undefined): RepeatHash {
  if (header === undefined) return () => undefined;
  if (typeof header !== 'string' || !isIdempotencyKey(header)) {
    const path = '/header/Idempotency-Key';
    throw new ApiFault('argument-invalid', 'one key of at most 255 characters', { path });
  }
  return (index) => idempotencyHash(key.tenant, header, index);
}

async function takeDraft<T>(taking: Taking<T>, given: MessageGiven): Promise<Taken<T>> {
  const { parts, caller, repeats, handIn, isDryRun } = taking;
  const drafted = await Drafted.read(parts, caller, given);
  const resolved: ResolvedRecipients[] = [];
  for (let index = 0; index < drafted.count; index++) {
    resolved.push(await drafted.resolve(index, isDryRun));
  }
  if (!isDryRun) {
    const count = resolved.reduce((sum, { recipients }) => sum + recipients.length, 0);
    await refuseOverRate(parts, caller, drafted.sender, count);
  }
  const taken = await takeEach(drafted.count, (index) =>
    drafted.take(index, resolved[index]!, { handIn, idempotency: repeats(index) }),
  );
  return { ...taken, ...suppressedOf(resolved) };
}

function suppressedOf(resolved: readonly ResolvedRecipients[]): Pick<Taken<unknown>, 'suppressed'> {
  const all = resolved.flatMap(({ suppressed }, index) =>
    suppressed.map(({ address, reason }) => ({ index, address, reason })),
  );
  return all.length === 0 ? {} : { suppressed: all };
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
