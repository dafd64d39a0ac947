/**
 * What a thread does that is given a shard, or has one taken: it opens or closes it, and lends its sites.
 *
 * Runs in:   engine threads.
 * Invariant: a site has one lender in the process: the thread that owns its shard.
 */

import type { Answer, Handlers } from '../actors/ask.ts';
import { shardClose, shardOpen } from '../actors/asks/system.ts';
import { OpenSlots } from '../actors/open-slots.ts';
import { SiteOwners, siteLend } from '../actors/site-leases.ts';
import type { ShardId } from '../base/ids.ts';
import type { Timer } from '../ports/clock.ts';
import type { IncomingBodies } from './bodies/incoming-bodies.ts';
import { bucketRate, siteLimitsOf } from './delivery/shaping/lease-limits.ts';
import type { PathOwners } from './delivery/shaping/path-owners.ts';
import type { EngineParts } from './engine-parts.ts';
import { loadVerifier } from './pipeline/verify.ts';
import type { Shards } from './shards.ts';

const verifierDelayMs = 2_000;

export function ownerHandlers(
  parts: EngineParts,
  shards: Shards,
  incoming: IncomingBodies,
  shaping: PathOwners,
): Handlers {
  const { settings, clock } = parts;
  const owners = new SiteOwners({
    clock,
    open: new OpenSlots(parts.openSlots),
    limitsOf: (path) => siteLimitsOf(shaping.limitsOf(path)),
    rateOf: (path, bucket) => bucketRate(shaping.limitsOf(path), bucket),
  });
  shaping.onLimits = (path) => owners.limit(path, siteLimitsOf(shaping.limitsOf(path)));
  shaping.onRules = () => owners.reload();
  const epochs = new Uint32Array(parts.epochs);

  let isVerifierDue = settings.verification.isOn && !parts.isOffline;
  let openingCount = 0;
  let verifierTimer: Timer | undefined;
  /** Not while shards open, when every millisecond counts, and not with the first stranger's mail, which would wait. */
  const opened = async (shard: ShardId): Promise<Answer> => {
    verifierTimer?.cancel();
    openingCount++;
    const answer = await shards.open(shard);
    openingCount--;
    if (!isVerifierDue || openingCount > 0) return answer;
    verifierTimer = clock.setTimer(verifierDelayMs, () => {
      isVerifierDue = false;
      void loadVerifier();
    });
    return answer;
  };

  return {
    [shardOpen]: (ask) => {
      // The word is set by the first opening in this process.
      owners.open(ask.shard, Atomics.load(epochs, ask.shard) === 0);
      return opened(ask.shard);
    },
    [shardClose]: async (ask) => {
      owners.close(ask.shard);
      shaping.close(ask.shard);
      await incoming.letGo(ask.shard);
      return shards.close(ask.shard);
    },
    [siteLend]: (ask) => owners.lend(ask),
  };
}
