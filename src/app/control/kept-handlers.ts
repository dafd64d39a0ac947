/**
 * Messages expunged not long ago: shown to operators, had back, or let go of.
 *
 * Runs in:   main thread.
 * Limits:    one page of a list is held at a time.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { type KeptList, mailboxAsks, restoredPerAskMax } from '../../actors/asks/mailbox-asks.ts';
import { MailError } from '../../base/errors.ts';
import { canonicalName, nameFault } from '../../mail/wire/imap/mailbox-name.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

export function keptHandlers(
  parts: Pick<ControlParts, 'directory' | 'router' | 'clock'>,
): ControlHandlers {
  return {
    'mailbox.expunged': async ({ account: address, mailbox, sinceMs = 0 }, call) => {
      const account = await accountNamed(parts, address);
      const path = mailbox === undefined ? '' : canonicalName(mailbox);
      let next: KeptList['next'] = { untilMs: 0, modseq: 0 };
      let count = 0;
      while (next !== undefined && !call.signal.aborted) {
        const meta = [account.id, path, next.untilMs, next.modseq];
        const { value } = await askAccount(parts, account, mailboxAsks.kept, meta);
        const list = value as KeptList;
        for (const { document, path: of, size, ...rest } of list.entries) {
          if (rest.expungedMs < sinceMs) continue;
          await call.emit({ id: document, mailbox: of, bytes: size, ...rest });
          count++;
        }
        next = list.next;
      }
      return { count };
    },
    'mailbox.undelete': async ({ account: address, ids, to }, call) => {
      const account = await accountNamed(parts, address);
      const name = to === undefined ? '' : canonicalName(to);
      const fault = to === undefined ? undefined : nameFault(name);
      if (fault !== undefined) throw new MailError('argument-invalid', `${to}: ${fault}`);
      let count = 0;
      for (let at = 0; at < ids.length && !call.signal.aborted; at += restoredPerAskMax) {
        const some = ids.slice(at, at + restoredPerAskMax);
        const meta = [account.id, account.tenant, name, some];
        const { value } = await askAccount(parts, account, mailboxAsks.restore, meta);
        count += value as number;
      }
      return { count };
    },
    'mailbox.purge': async ({ account: address }) => {
      const account = await accountNamed(parts, address);
      const meta = [account.id, account.tenant];
      const options = { isLong: true };
      const { value } = await askAccount(parts, account, mailboxAsks.purge, meta, options);
      return { count: value as number };
    },
  };
}
