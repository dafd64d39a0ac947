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
} from '../../actors/asks/quarantine-asks.ts';
import type { SpamLevels } from '../../ports/levels.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';
import { tenantNamed } from './tenant-handlers.ts';

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
