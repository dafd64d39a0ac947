/**
 * Joins the book of sources with the engine threads: what they ask of it, and what they are told.
 *
 * Runs in:   main thread.
 * Invariant: threads are told of a change once the one before reached them; changes meanwhile go together.
 */

import { join } from 'node:path';
import type { Ask, UpwardAnswers } from '../actors/ask.ts';
import {
  type AllowanceMeta,
  type PathSuspension,
  pathSuspendedNotice,
  type SourceDown,
  sourceAsks,
  sourceDownNotice,
} from '../actors/asks/source-asks.ts';
import { noShard, systemAsk } from '../actors/asks/system.ts';
import type { Runtime } from '../actors/runtime.ts';
import { openLmdbShardIndex } from '../adapters/lmdb/shard-index.ts';
import { bindFault } from '../adapters/node/bind.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import type { TenantId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { mebibyte } from '../base/units.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { SourceSetting } from '../settings/egress.ts';
import type { Settings } from '../settings/schema.ts';
import { SourceBook } from './source-book.ts';

const mapBytes = 64 * mebibyte;

export interface Sources {
  readonly book: SourceBook;
  /** To asks of engine threads. */
  readonly answers: UpwardAnswers;
  /** What each thread is told when it starts. */
  standing(): readonly Ask[];
  /** Threads run: they are heard, and told of changes. */
  join(runtime: Runtime): void;
  /** Settings name tenants; their numbers stand in the directory. */
  tenantsChanged(): Promise<void>;
}

export interface SourcesOptions {
  readonly settings: Settings;
  readonly directory: AccountDirectory;
  readonly log: Log;
}

/** Undefined where settings have none. */
export async function openSources(options: SourcesOptions): Promise<Sources | undefined> {
  const { settings, directory, log } = options;
  const { relay, data } = settings;
  if (relay.sources.length === 0) return undefined;
  let runtime: Runtime | undefined;
  const snapshotAsk = () => systemAsk(sourceAsks.set, noShard, book.snapshot());
  const push = gathered(async () => {
    try {
      await runtime?.askEach(snapshotAsk());
    } catch (error) {
      // A thread that starts hears it then.
      log.warn({ error: String(error) }, 'a change of sources did not reach all threads');
    }
  });
  const onDiscard = (why: string) => {
    log.error(
      { why },
      'damaged notes on sources begin anew: those that warm up are on their first day',
    );
  };
  const book = new SourceBook({
    ...{ relay, log, clock: nodeClock, onChange: push },
    table: openLmdbShardIndex({ path: join(data.dir, 'sources'), mapBytes, onDiscard }),
  });
  const tenantsChanged = async () => {
    const named = new Set([
      ...relay.poolRules.map(({ tenant }) => tenant),
      ...relay.pools.flatMap(({ tenants }) => tenants),
    ]);
    const found: [string, TenantId][] = [];
    for (const { name, id } of await directory.tenants())
      if (named.has(name)) found.push([name, id]);
    book.know(Object.fromEntries(found));
    push();
  };
  await tenantsChanged();
  await warnOfAddresses(relay.sources, log);
  return {
    ...{ book, tenantsChanged },
    answers: {
      [sourceAsks.allowance]: async ({ meta }) => {
        return { ok: true, value: await book.allowance(meta as AllowanceMeta) };
      },
    },
    standing: () => [snapshotAsk()],
    join(joined) {
      runtime = joined;
      joined.onNotice(pathSuspendedNotice, (_thread, value) => {
        book.suspendPath(value as PathSuspension);
      });
      joined.onNotice(sourceDownNotice, (_thread, value) => book.noteDown(value as SourceDown));
    },
  };
}

/** Mail goes by other sources meanwhile: no reason not to start. */
async function warnOfAddresses(sources: readonly SourceSetting[], log: Log): Promise<void> {
  for (const { name, ipv4, ipv6, proxy } of sources) {
    for (const address of [ipv4, ipv6]) {
      if (address === '' || proxy !== undefined) continue;
      const fault = await bindFault(address);
      if (fault !== undefined) {
        log.warn(
          { source: name, address, fault },
          'mail cannot leave from the address of a source',
        );
      }
    }
  }
}

/** Runs `work` soon after a call, once for all calls until then, and never twice at a time. */
function gathered(work: () => Promise<void>): () => void {
  let isWanted = false;
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await work();
    }
    isRunning = false;
  };
  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
