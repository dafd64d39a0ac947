/**
 * Rules between sources, pools and what goes by them.
 *
 * Runs in: main thread; pure.
 */

import type { RuleFault } from './rules.ts';
import type { Settings } from './schema.ts';

export function* egressFaults({ relay }: Settings): Iterable<RuleFault> {
  const sources = new Set(relay.sources.map(({ name }) => name));
  const pools = new Set(relay.pools.map(({ name }) => name));
  for (const { name, sources: members } of relay.pools) {
    for (const { source } of members) {
      if (sources.has(source)) continue;
      yield {
        paths: ['relay.pools', 'relay.sources'],
        reason: `pool ${name} names the source ${source}, which there is not`,
        advice: 'Set it in relay.sources, or take it out of the pool.',
      };
    }
  }
  for (const [path, pool] of [
    ['relay.pool', relay.pool],
    ...relay.poolRules.map((rule) => ['relay.poolRules', rule.pool] as const),
  ] as const) {
    if (pool === '' || pools.has(pool)) continue;
    yield {
      paths: [path, 'relay.pools'],
      reason: `there is no pool ${pool}`,
      advice: 'Set it in relay.pools, or name another.',
    };
  }
  yield* proxyFaults(relay.sources);
}

function* proxyFaults(sources: Settings['relay']['sources']): Iterable<RuleFault> {
  for (const { name, ipv4, ipv6, proxy, passwordFile } of sources) {
    if (proxy?.kind === 'proxy-v2' && ipv4 === '' && ipv6 === '') {
      yield {
        paths: ['relay.sources'],
        reason: `source ${name}: the PROXY protocol has to say which address mail leaves from`,
        advice: 'Set its ipv4, its ipv6, or both.',
      };
    }
    if (((proxy?.user ?? '') === '') !== (passwordFile === '')) {
      yield {
        paths: ['relay.sources'],
        reason: `source ${name}: one of the proxy's user and passwordFile is set without the other`,
        advice: 'Set both to log in at the proxy, or neither.',
      };
    }
  }
}
