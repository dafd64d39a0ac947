/**
 * Shaping as operators see it and change it by hand.
 *
 * Runs in:   main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import {
  anyTenant,
  type ShapingAnswer,
  type ShapingQuestion,
  shapingAsks,
} from '../../actors/asks/shaping-asks.ts';
import { MailError } from '../../base/errors.ts';
import { shardId } from '../../base/ids.ts';
import type { Match } from '../../settings/shaping/rules.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';
import { tenantNamed } from './tenant-handlers.ts';

const askMsMax = 30_000;

export function shapingHandlers(parts: ControlParts): ControlHandlers {
  const { shaping, clock } = parts;
  return {
    'shaping.show': async ({ domain, tenant = '', campaign = '', source = '' }) => {
      if (tenant !== '') await tenantNamed(parts, tenant);
      const meta: ShapingQuestion = { domain: domain.toLowerCase(), tenant, campaign, source };
      const ask = { shard: shardId(0), actor: 'operator', name: shapingAsks.show, meta };
      return answered(await askShard(parts, { ...ask, msMax: askMsMax })) as ShapingAnswer;
    },
    'shaping.suspend': async ({ forMs, why, tenant, ...given }) => {
      const match: Match = Object.fromEntries(
        Object.entries(given).map(([field, value]) => [field, [value]]),
      );
      checkMatch(parts, match, tenant);
      const number = tenant === undefined ? anyTenant : (await tenantNamed(parts, tenant)).id;
      const sinceMs = clock.nowMs();
      const mark = { match, tenant: number, why, sinceMs, untilMs: sinceMs + forMs };
      return { mark: shaping.board.suspend(mark) };
    },
    'shaping.resume': async ({ ids, all }) => {
      const ended = shaping.board.end(({ id }) => all === true || ids.includes(id));
      return { marks: ended };
    },
    'shaping.list': async () => ({ marks: shaping.board.marks }),
  };
}

function checkMatch({ shaping }: ControlParts, match: Match, tenant: string | undefined): void {
  const fields = Object.keys(match);
  if (fields.length === 0 && tenant === undefined) {
    throw new MailError(
      'argument-invalid',
      'say of which provider, site, source, domain or tenant',
    );
  }
  if (match.domain !== undefined && fields.length > 1) {
    const detail = 'a domain is suspended alone or with a tenant, whatever its site';
    throw new MailError('argument-invalid', detail);
  }
  const [provider] = match.provider ?? [];
  const known = shaping.rules.providers.map(({ name }) => name);
  if (provider !== undefined && !known.includes(provider)) {
    throw new MailError('not-found', `provider ${provider}; known: ${known.join(', ')}`);
  }
}
