/**
 * The queue as operators see it: one list over all shards.
 *
 * Runs in:   main thread.
 * Limits:    an act on more than `namedMax` named messages goes page by page (`app/mass-acts.ts`), so none holds a shard
 *            long.
 */

import type { Answer } from '../../actors/ask.ts';
import type {
  ControlCall,
  ControlHandlers,
  ControlResult,
  QueueEntry,
  QueueSelection,
} from '../../actors/asks/control.ts';
import { isCampaignName, type Rebinding } from '../../actors/asks/delivery-terms.ts';
import {
  explainAsks,
  type MessageReasons,
  type SiteFacts,
  type SitesAnswer,
} from '../../actors/asks/explain-asks.ts';
import { isOperator } from '../../actors/asks/principal.ts';
import type { ActAnswer, MassActView } from '../../actors/asks/queue-act-control.ts';
import type { QueueAction, QueueListAnswer } from '../../actors/asks/queue-asks.ts';
import { queueAsks } from '../../actors/asks/queue-asks.ts';
import { MailError } from '../../base/errors.ts';
import { isMessageId, type ShardId, shardId } from '../../base/ids.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';
import { tenantNamed } from './tenant-handlers.ts';

/** Named messages that are acted on at once. */
const namedMax = 500;
const askMsMax = 30_000;

export function queueHandlers(parts: ControlParts): ControlHandlers {
  const actOn = (
    selection: QueueSelection,
    action: QueueAction['action'],
    call: ControlCall<MassActView>,
  ) => actOnSelection(parts, selection, { action }, call);
  return {
    'queue.list': async ({ after, limit, ...wanted }, { by }) => {
      const selection = await withTenant(parts, wanted);
      const pages = await onEveryShard(parts, (shard) =>
        list(parts, shard, after ?? '', limit, selection),
      );
      const entries = pages.flatMap((page) => page.entries).sort(byId);
      // Past the least place a shard was looked at up to, another page may still have older messages.
      const open = pages.filter((page) => !page.isComplete).map((page) => page.scannedTo);
      const safeTo = open.sort()[0];
      const shown = entries
        .filter((entry) => safeTo === undefined || entry.id <= safeTo)
        .slice(0, limit);
      const isComplete = safeTo === undefined && shown.length === entries.length;
      const isFull = shown.length === limit;
      return {
        entries: shown,
        // How much others have is for operators.
        messageCount: isOperator(by) ? queuedIn(pages) : shown.length,
        isComplete,
        scannedTo: isComplete ? '' : ((isFull ? shown.at(-1)?.id : safeTo) ?? ''),
      };
    },
    'queue.show': async ({ id }) => {
      if (!isMessageId(id)) throw new MailError('argument-invalid', `not a message id: ${id}`);
      for (let shard = 0; shard < parts.shards; shard++) {
        const answer = await ask(parts, shardId(shard), queueAsks.show, id);
        if (answer.ok) return answer.value as ControlResult<'queue.show'>;
        if (answer.code !== 'not-found') throw new MailError(answer.code, answer.detail);
      }
      throw new MailError('not-found', `message ${id} is not in the queue`);
    },
    'queue.explain': ({ of }) => explain(parts, of),
    'queue.retry': (selection, call) => actOn(selection, 'retry', call),
    'queue.hold': (selection, call) => actOn(selection, 'hold', call),
    'queue.release': (selection, call) => actOn(selection, 'release', call),
    'queue.delete': ({ withBounce, ...selection }, call) =>
      actOn(selection, withBounce ? 'bounce' : 'delete', call),
    'queue.rebind': ({ toCampaign, toPool, ...selection }, call) => {
      if (toPool !== undefined && !isOperator(call.by)) {
        throw new MailError('permission-missing', 'pools are given by operators');
      }
      const binding = bindingOf(parts, toCampaign, toPool);
      return actOnSelection(parts, selection, { action: 'rebind', binding }, call);
    },
    'queue.flush': (_, call) => actOn({ all: true, state: 'waiting' }, 'retry', call),
    'queue.acts': () => ({ acts: parts.massActs.list() }),
    'queue.stop': async ({ id }) => ({ act: await parts.massActs.stop(id) }),
    'queue.follow': async ({ id }, { emit, signal }) => ({
      act: await parts.massActs.follow(id, emit, signal),
    }),
  };
}

/** A message wherever it is; else the sites of each thread, each thread once. */
async function explain(
  parts: ControlParts,
  of: string,
): Promise<{ message?: MessageReasons; sites: SiteFacts[] }> {
  if (isMessageId(of.toUpperCase())) {
    const found = await onEveryShard(parts, (shard) =>
      ask(parts, shard, explainAsks.message, of.toUpperCase()),
    );
    const answer = found.find(({ ok }) => ok);
    if (answer?.ok === true) return { message: answer.value as MessageReasons, sites: [] };
    throw new MailError('not-found', `message ${of} is not in the queue`);
  }
  const answers = await onEveryShard(
    parts,
    async (shard) =>
      answered(await ask(parts, shard, explainAsks.sites, of.toLowerCase())) as SitesAnswer,
  );
  const byThread = new Map(answers.map(({ thread, sites }) => [thread, sites]));
  return { sites: [...byThread.values()].flat() };
}

function queuedIn(pages: readonly QueueListAnswer[]): number {
  return pages.reduce((sum, page) => sum + page.queuedCount, 0);
}

/** Shards know tenants by their numbers. @throws MailError `not-found` */
async function withTenant(
  parts: ControlParts,
  { tenant, ...selection }: QueueSelection,
): Promise<QueueSelection> {
  if (tenant === undefined) return selection;
  return { ...selection, tenant, tenantId: (await tenantNamed(parts, tenant)).id };
}

/** @throws MailError `argument-invalid`: a pool that is not there would never be used, and nobody would know. */
function bindingOf(
  { settings }: ControlParts,
  campaign: string | undefined,
  pool: string | undefined,
): Rebinding {
  if (campaign === undefined && pool === undefined) {
    throw new MailError('argument-invalid', 'a campaign or a pool to rebind to is missing');
  }
  if (campaign !== undefined && campaign !== '' && !isCampaignName(campaign)) {
    const words = 'a campaign has 1 to 64 characters of printable ASCII, without spaces';
    throw new MailError('argument-invalid', words);
  }
  if (
    pool !== undefined &&
    pool !== '' &&
    !settings.relay.pools.some(({ name }) => name === pool)
  ) {
    throw new MailError('argument-invalid', `no pool of relay.pools: ${JSON.stringify(pool)}`);
  }
  return {
    ...(campaign === undefined ? {} : { campaign }),
    ...(pool === undefined ? {} : { pool }),
  };
}

async function actOnSelection(
  parts: ControlParts,
  wanted: QueueSelection,
  what: Pick<QueueAction, 'action' | 'binding'>,
  { emit, signal }: ControlCall<MassActView>,
): Promise<ActAnswer> {
  const selection = await withTenant(parts, wanted);
  const ids = namedAlone(selection);
  if (ids !== undefined) {
    const params: QueueAction = { ...what, ids, only: selection };
    const counts = await onEveryShard(parts, async (shard) => {
      const answer = answered(await ask(parts, shard, queueAsks.act, params));
      return (answer as { count: number }).count;
    });
    return { count: counts.reduce((sum, count) => sum + count, 0) };
  }
  const nothing = { ids: [] };
  const pages = await onEveryShard(parts, (shard) => list(parts, shard, '', 1, nothing));
  const queuedCount = pages.reduce((sum, page) => sum + page.queuedCount, 0);
  const { id } = await parts.massActs.begin({ ...what, selection, queuedCount });
  const act = await parts.massActs.follow(id, emit, signal);
  if (act.state !== 'failed') return { count: act.count, act };
  throw new MailError('not-possible-now', `${act.fault}; act ${id} was done to ${act.count}`);
}

/** Messages that are chosen by nothing but their names need not be listed first: the act itself finds them. */
function namedAlone(selection: QueueSelection): readonly string[] | undefined {
  // Of recipients the act looks at each; whatever else may be asked for is known to lists only.
  const { ids, all, domain, recipient, why, replyText, tenant, ...others } = selection;
  const isAlone = Object.values(others).every((each) => each === undefined);
  if (ids === undefined || !isAlone) return undefined;
  const named = [...new Set(ids)];
  return named.length <= namedMax ? named : undefined;
}

async function list(
  parts: ControlParts,
  shard: ShardId,
  after: string,
  limit: number,
  selection: QueueSelection,
): Promise<QueueListAnswer> {
  const params = { after, limit, selection };
  return answered(await ask(parts, shard, queueAsks.list, params)) as QueueListAnswer;
}

function onEveryShard<T>(parts: ControlParts, run: (shard: ShardId) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: parts.shards }, (_, shard) => run(shardId(shard))));
}

function ask(parts: ControlParts, shard: ShardId, name: string, meta: unknown): Promise<Answer> {
  return askShard(parts, { shard, actor: 'operator', name, meta, msMax: askMsMax });
}

function byId(a: QueueEntry, b: QueueEntry): number {
  return a.id < b.id ? -1 : 1;
}
