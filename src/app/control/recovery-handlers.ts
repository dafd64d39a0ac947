/**
 * Ways back into an account, as its owner and those who help set them.
 *
 * Runs in:   main thread.
 * Invariant: a link's secret is in the answer that made it, and kept nowhere but as a hash.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { MailError } from '../../base/errors.ts';
import { accountNamed } from './account-asks.ts';
import { checkedAddress } from './addresses.ts';
import type { ControlParts } from './parts.ts';

export function recoveryHandlers(
  parts: Pick<ControlParts, 'directory' | 'identity' | 'resets'>,
): ControlHandlers {
  const { owners } = parts.identity;
  return {
    'recovery.show': async ({ address }) => {
      const account = await accountNamed(parts, address);
      return { recoveryAddress: await owners.recoveryAddress(account) };
    },
    'recovery.set': async ({ address, recoveryAddress }) => {
      const account = await accountNamed(parts, address);
      if (recoveryAddress !== '') {
        checkedAddress(recoveryAddress);
        if (recoveryAddress.toLowerCase() === account.address) {
          throw new MailError('argument-invalid', 'who is locked out cannot read mail there');
        }
      }
      await owners.putRecoveryAddress(account, recoveryAddress);
      return {};
    },
    'recovery.link': async ({ address }) =>
      await parts.resets.link(await accountNamed(parts, address)),
  };
}
