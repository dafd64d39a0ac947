/**
 * Quarantines of accounts, as operators and owners ask for them.
 *
 * Runs in:   main thread.
 * Limits:    one page of a list is held at a time.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import {
  type HeldList,
  type HeldText,
  type PackedHeldIds,
  quarantineAsks,
  type Released,
} from '../../actors/asks/quarantine-asks.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

export function quarantineHandlers(
  parts: Pick<ControlParts, 'directory' | 'router' | 'clock'>,
): ControlHandlers {
  const ask = async (ask: string, address: string, ids: readonly number[], isForced = false) => {
    const account = await accountNamed(parts, address);
    const meta: PackedHeldIds = [account.id, account.tenant, ids, isForced];
    return (await askAccount(parts, account, ask, meta)).value;
  };
  return {
    'quarantine.list': async ({ account: address, search = '' }, call) => {
      const account = await accountNamed(parts, address);
      let count = 0;
      let next: number | undefined = 1;
      while (next !== undefined && !call.signal.aborted) {
        const meta = [account.id, next, search, false];
        const list = (await askAccount(parts, account, quarantineAsks.list, meta))
          .value as HeldList;
        for (const one of list.messages) await call.emit(one);
        count += list.messages.length;
        next = list.next;
      }
      return { count };
    },
    'quarantine.show': async ({ account: address, id }) => {
      const account = await accountNamed(parts, address);
      const answer = await askAccount(parts, account, quarantineAsks.text, [account.id, id]);
      const { body = emptyBytes } = answer;
      const { bytes } = answer.value as HeldText;
      const message = Buffer.from(body).toString('base64');
      return { bytes, message, isCut: body.byteLength < bytes };
    },
    'quarantine.release': async ({ account, ids }) =>
      (await ask(quarantineAsks.release, account, ids)) as Released,
    'quarantine.force': async ({ account, ids }) =>
      (await ask(quarantineAsks.release, account, ids, true)) as Released,
    'quarantine.delete': async ({ account, ids }) => ({
      count: (await ask(quarantineAsks.remove, account, ids)) as number,
    }),
  };
}
