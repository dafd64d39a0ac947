/**
 * What operators see of accounts' mailboxes, and the way out for all their mail.
 *
 * Runs in:   main thread.
 * Limits:    an export holds one page of names and one message at a time.
 */

import type { ControlHandlers } from '../../actors/asks/control.ts';
import { type MailboxInfo, type MessageInfo, mailboxAsks } from '../../actors/asks/mailbox-asks.ts';
import type { Account } from '../../ports/account-directory.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

const pageCount = 500;

export function mailboxHandlers(parts: ControlParts): ControlHandlers {
  return {
    'mailbox.list': async ({ account: address }) => {
      const mailboxes = await mailboxesOf(parts, await accountNamed(parts, address));
      return {
        mailboxes: mailboxes.map((each) => ({
          name: pathOf(mailboxes, each),
          id: each.mailbox,
          role: each.role,
          messageCount: each.messages,
          unseenCount: each.unseen,
          bytes: each.bytes,
        })),
      };
    },
    'mailbox.export': async ({ account: address, mailbox }, call) => {
      const account = await accountNamed(parts, address);
      const mailboxes = await mailboxesOf(parts, account);
      let count = 0;
      for (const each of mailboxes) {
        const name = pathOf(mailboxes, each);
        if (mailbox !== undefined && mailbox !== name) continue;
        for await (const message of messagesOf(parts, account, each.mailbox)) {
          if (call.signal.aborted) return { count };
          const read = await askAccount(parts, account, mailboxAsks.read, [
            account.id,
            message.document,
          ]);
          const { uid, internalMs, flags } = message;
          await call.emit({ mailbox: name, uid, internalMs, flags }, read.body);
          count++;
        }
      }
      return { count };
    },
  };
}

async function mailboxesOf(parts: ControlParts, account: Account): Promise<readonly MailboxInfo[]> {
  const { value } = await askAccount(parts, account, mailboxAsks.list, [account.id]);
  return value as readonly MailboxInfo[];
}

async function* messagesOf(
  parts: ControlParts,
  account: Account,
  mailbox: number,
): AsyncIterable<MessageInfo> {
  let firstUid = 1;
  for (;;) {
    const meta = [account.id, mailbox, firstUid, pageCount];
    const { value } = await askAccount(parts, account, mailboxAsks.messages, meta);
    const page = value as readonly MessageInfo[];
    yield* page;
    if (page.length < pageCount) return;
    firstUid = page.at(-1)!.uid + 1;
  }
}

function pathOf(mailboxes: readonly MailboxInfo[], mailbox: MailboxInfo): string {
  const parent = mailboxes.find((each) => each.mailbox === mailbox.parent);
  return parent === undefined ? mailbox.name : `${pathOf(mailboxes, parent)}/${mailbox.name}`;
}
