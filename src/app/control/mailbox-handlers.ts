/**
 * What operators see of accounts' mailboxes, and the way out for all their mail.
 *
 * Runs in:   main thread.
 * Limits:    an export holds one window of text at a time (`exportWindowBytesMax`).
 */

import type { ControlCall, ControlHandlers, ExportedMessage } from '../../actors/asks/control.ts';
import {
  type ExportWindow,
  type MailboxInfo,
  mailboxAsks,
  type PackedExport,
} from '../../actors/asks/mailbox-asks.ts';
import { emptyBytes } from '../../base/bytes.ts';
import { MailError } from '../../base/errors.ts';
import type { Account } from '../../ports/account-directory.ts';
import { accountNamed, askAccount } from './account-asks.ts';
import type { ControlParts } from './parts.ts';

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
          uidValidity: each.uidValidity,
        })),
      };
    },
    'mailbox.export': async ({ account: address, mailbox, fromUid = 1 }, call) => {
      const account = await accountNamed(parts, address);
      const mailboxes = await mailboxesOf(parts, account);
      const wanted = mailboxes
        .map((each) => ({ number: each.mailbox, name: pathOf(mailboxes, each) }))
        .filter(({ name }) => mailbox === undefined || mailbox === name);
      if (mailbox !== undefined && wanted.length === 0) {
        throw new MailError('not-found', `mailbox ${mailbox}`);
      }
      let count = 0;
      for (const one of wanted) count += await exportOne(parts, account, one, fromUid, call);
      return { count };
    },
  };
}

/** How many messages were told whole. */
async function exportOne(
  parts: ControlParts,
  account: Account,
  { number, name }: { readonly number: number; readonly name: string },
  fromUid: number,
  call: ControlCall<ExportedMessage>,
): Promise<number> {
  let count = 0;
  let place: ExportWindow['next'] = [fromUid, 0];
  while (place !== undefined && !call.signal.aborted) {
    const meta: PackedExport = [account.id, number, ...place];
    const answer = await askAccount(parts, account, mailboxAsks.export, meta);
    const { pieces, next } = answer.value as ExportWindow;
    const { body = emptyBytes } = answer;
    let at = 0;
    for (const [uid, internalMs, flags, size, offset, length] of pieces) {
      const item = { mailbox: name, uid, internalMs, flags, size, offset };
      await call.emit(item, body.subarray(at, at + length));
      at += length;
      if (offset + length === size) count++;
    }
    place = next;
  }
  return count;
}

async function mailboxesOf(parts: ControlParts, account: Account): Promise<readonly MailboxInfo[]> {
  const { value } = await askAccount(parts, account, mailboxAsks.list, [account.id]);
  return value as readonly MailboxInfo[];
}

/** All of them, as a session of the account names them. */
export async function mailboxPaths(
  parts: ControlParts,
  account: Account,
): Promise<readonly string[]> {
  const mailboxes = await mailboxesOf(parts, account);
  return mailboxes.map((each) => pathOf(mailboxes, each));
}

function pathOf(mailboxes: readonly MailboxInfo[], mailbox: MailboxInfo): string {
  const parent = mailboxes.find((each) => each.mailbox === mailbox.parent);
  return parent === undefined ? mailbox.name : `${pathOf(mailboxes, parent)}/${mailbox.name}`;
}
