/**
 * Where mail goes by its spam score, as tenants and accounts say, and what accounts learnt of spam.
 *
 * Runs in:   main thread.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import {
  type PackedOwnLevels,
  quarantineAsks,
  type TaughtSpam,
  type TenantTaught,
} from '../../actors/asks/quarantine-asks.ts';
import { shardId, type TenantId } from '../../base/ids.ts';
import { minuteMs } from '../../base/units.ts';
import type { SpamLevels } from '../../ports/levels.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { answered, askShard } from './shard-asks.ts';
import { tenantNamed } from './tenant-handlers.ts';

const lookMsMax = minuteMs;
/** A record each account. */
const forgetMsMax = 10 * minuteMs;

export function spamLevelHandlers(parts: ControlParts): ControlHandlers {
  const { directory } = parts;
  return {
    'tenant.spam': async ({ name }) => (await tenantNamed(parts, name)).spam ?? {},
    'tenant.set-spam': async ({ name, ...spam }) => {
      const { id } = await tenantNamed(parts, name);
      await directory.changeTenant(id, ({ spam: _before, ...row }) =>
        Object.keys(spam).length === 0 ? row : { ...row, spam },
      );
      await parts.policyChanged();
      return {};
    },
    'tenant.learnt-spam': async ({ name }) => {
      const { id } = await tenantNamed(parts, name);
      const sum = { accounts: 0, ham: 0, spam: 0 };
      for (const value of await ofShards(parts, quarantineAsks.tenantTaught, id, lookMsMax)) {
        const { accounts, ham, spam } = value as TenantTaught;
        sum.accounts += accounts;
        sum.ham += ham;
        sum.spam += spam;
      }
      return sum;
    },
    'tenant.forget-spam': async ({ name }) => {
      const { id } = await tenantNamed(parts, name);
      await ofShards(parts, quarantineAsks.forgetTenant, id, forgetMsMax);
      return {};
    },
    'account.spam': async ({ account: address }) => {
      const account = await accountNamed(parts, address);
      const { value } = await askAccount(parts, account, quarantineAsks.levels, [account.id]);
      return value as Partial<SpamLevels>;
    },
    'account.learnt-spam': async ({ account: address }) => {
      const account = await accountNamed(parts, address);
      const { value } = await askAccount(parts, account, quarantineAsks.taught, [account.id]);
      return value as TaughtSpam;
    },
    'account.forget-spam': async ({ account: address }) => {
      const account = await accountNamed(parts, address);
      const meta = [account.id, account.tenant];
      await askAccount(parts, account, quarantineAsks.forget, meta);
      return {};
    },
    'account.set-spam': async ({ account: address, junkPercent = -1, quarantinePercent = -1 }) => {
      const account = await accountNamed(parts, address);
      const meta: PackedOwnLevels = [account.id, account.tenant, junkPercent, quarantinePercent];
      await askAccount(parts, account, quarantineAsks.setLevels, meta);
      return {};
    },
  };
}

/**
 * One shard after the other.
 * @throws MailError of the first that does not answer: who asks again finds the others done.
 */
async function ofShards(
  parts: ControlParts,
  name: string,
  tenant: TenantId,
  msMax: number,
): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  for (let shard = 0; shard < parts.shards; shard++) {
    const ask = { shard: shardId(shard), actor: 'spam', name, meta: [tenant], msMax };
    values.push(answered(await askShard(parts, ask)));
  }
  return values;
}
