/** Settings of what mail leaves by: sources, pools of them, and how new sources are warmed up. */

import { dailyPlan, poolRules, poolTable, sourceTable } from '../egress.ts';
import { text } from '../fields.ts';

/** Half as much again each day: about a million messages a day after a month. */
const warmupPlan = [
  ...[50, 75, 110, 170, 250, 380, 570, 850, 1_300, 1_900, 2_900, 4_300, 6_500, 9_700, 15_000],
  ...[22_000, 33_000, 49_000, 74_000, 110_000, 170_000, 250_000, 370_000, 560_000, 840_000],
];

export const egressEntries = {
  sources: sourceTable({
    reload: 'restart',
    doc: 'What mail leaves by: addresses of this machine, the name in EHLO, a proxy. None: as the system chooses, under `hostname`. Of a family without an address nothing is sent to; both left out, the system chooses.',
    spec: 'RFC 1928, RFC 1929',
  }),
  pools: poolTable({
    reload: 'restart',
    doc: 'Sources that share mail by their weights. A message is tried from the same one again and again, unless that one is suspended, down or has its day behind it.',
  }),
  pool: text({
    default: '',
    bounds: 'a pool of `relay.pools`, or "" for all sources, evenly',
    reload: 'restart',
    doc: 'The pool of mail that no rule of `relay.poolRules` gives to another.',
  }),
  poolRules: poolRules({
    reload: 'restart',
    doc: 'Which mail goes by which pool: the first rule that fits. A message that asks for a pool by `X-Chaski-Pool`, and may, goes by that.',
  }),
  warmupPlan: dailyPlan({
    default: warmupPlan,
    reload: 'restart',
    doc: 'Messages a day to one provider from a source with `warmup`, from its first day on; after the last day it is warm. What goes past leaves by other sources of the pool, or waits for the next day (UTC).',
  }),
} as const;
