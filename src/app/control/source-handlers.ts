/**
 * Sources mail leaves by, as operators see and stop them.
 *
 * Runs in: main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import type { SourceView } from '../../actors/asks/source-asks.ts';
import { MailError } from '../../base/errors.ts';
import { writeProxy } from '../../settings/egress.ts';
import type { SourceBook, SourceStanding } from '../source-book.ts';
import type { ControlParts } from './parts.ts';

/** Of one source: those with most mail. */
const providersShownMax = 1_000;

export function sourceHandlers(parts: ControlParts): ControlHandlers {
  return {
    'source.list': async () => ({
      sources: (parts.sources?.standings() ?? []).map((standing) => viewOf(parts, standing)),
    }),
    'source.suspend': async ({ name }) => {
      await bookOf(parts).suspend(name, true);
      return {};
    },
    'source.resume': async ({ name }) => {
      await bookOf(parts).suspend(name, false);
      return {};
    },
    'source.warmup': async ({ name }) => {
      await bookOf(parts).restartWarmup(name);
      return {};
    },
  };
}

function bookOf({ sources }: ControlParts): SourceBook {
  if (sources === undefined) throw new MailError('not-found', 'relay.sources is empty');
  return sources;
}

function viewOf({ settings }: ControlParts, standing: SourceStanding): SourceView {
  const { setting, isSuspended, down, warmup, today, suspensions } = standing;
  const { name, ipv4, ipv6, helloName, proxy } = setting;
  const isWarm = warmup === undefined || warmup.day > warmup.days;
  const pools = settings.relay.pools.filter(({ sources }) =>
    sources.some(({ source }) => source === name),
  );
  return {
    name,
    ...(ipv4 === '' ? {} : { ipv4 }),
    ...(ipv6 === '' ? {} : { ipv6 }),
    helloName: helloName === '' ? settings.hostname : helloName,
    ...(proxy === undefined ? {} : { proxy: writeProxy(proxy) }),
    pools: pools.map((pool) => pool.name),
    state: isSuspended ? 'suspended' : down === undefined ? 'active' : 'down',
    ...(down === undefined ? {} : { downUntilMs: down.untilMs, downReason: down.reason }),
    ...(isWarm ? {} : { warmup: { day: warmup.day, days: warmup.days } }),
    today: isWarm
      ? []
      : today
          .slice(0, providersShownMax)
          .map(({ provider, count }) => ({ provider, count, plan: warmup.plan })),
    suspensions,
  };
}
