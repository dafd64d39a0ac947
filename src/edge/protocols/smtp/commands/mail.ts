/**
 * MAIL: opens a transaction.
 *
 * Runs in:   edge (main thread); hot.
 * Specs:     RFC 5321 §4.1.1.2, RFC 1870 §6.1 (refusal by SIZE), RFC 6531 §3.5, RFC 8689 §3, RFC 3030 §3.
 */

import type { DeliveryTerms } from '../../../../actors/asks/delivery-terms.ts';
import type { ErrorCode } from '../../../../base/errors.ts';
import { defaultTenant, type TenantId } from '../../../../base/ids.ts';
import {
  type EnvelopeFault,
  type MailCommand,
  parseMail,
} from '../../../../mail/wire/smtp/envelope-commands.ts';
import type { Account } from '../../../../ports/account-directory.ts';
import { decideSender, tenantOfSender } from '../../../guard/sender-policy.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { replies, replyOf } from '../replies.ts';
import { askStage } from '../stages.ts';
import { termsOf } from '../terms.ts';

const faultReplies = {
  syntax: replies.badSyntax,
  path: replyOf('sender-invalid'),
  unknown: replies.unknownParameter,
  parameter: replies.badParameter,
} as const satisfies Record<EnvelopeFault, unknown>;

function runMail(session: CommandSession, line: Buffer, from: number, to: number) {
  const { service, transaction } = session;
  if (transaction.isOpen) return session.refuse(replies.mailTwice);
  if (service.logIn?.isRequired === true && session.account === undefined) {
    return session.refuse(replyOf('authentication-required'));
  }
  const mail = parseMail(line, from, to);
  if (typeof mail === 'string') return session.refuse(faultReplies[mail]);
  const { limits, offersBinaryMime } = service.policy;
  if (mail.auth !== undefined && service.logIn === undefined)
    return session.refuse(replies.unknownParameter);
  if (mail.body === 'binarymime' && !offersBinaryMime) {
    return session.refuse(replies.unknownParameter);
  }
  if (mail.terms !== undefined && !session.canSetTerms) {
    return session.refuse(replies.unknownParameter);
  }
  if (mail.requireTls && !session.canRequireTls) {
    const isLmtp = service.dialect === 'lmtp';
    return session.refuse(isLmtp ? replies.unknownParameter : replies.requireTlsInClear);
  }
  if (mail.path.isUtf8 && !mail.smtputf8) return session.refuse(replies.senderNeedsUtf8);
  if (mail.path.domain === '' && mail.path.address !== '') {
    return session.refuse(replyOf('sender-invalid'));
  }
  if (mail.sizeBytes > limits.messageBytesMax) {
    return session.refuse(replyOf('message-too-large'));
  }
  if (service.isDraining) return session.end(replies.draining);
  if (session.messageCount >= limits.messagesMax) return session.end(replies.messagesTooMany);
  const { account } = session;
  if (account === undefined) return openFor(session, mail);
  // As it is now: the session may be older than what its account may send as.
  const now = service.directory.accountById(account.id);
  if (now instanceof Promise) return now.then((late) => judge(session, mail, late));
  return judge(session, mail, now);
}

function judge(
  session: CommandSession,
  mail: MailCommand,
  account: Account | undefined,
): void | Promise<void> {
  if (account?.isEnabled !== true) return session.end(replies.accessEnded);
  const verdict = decideSender(session.service.directory, account, mail.path.address);
  if (verdict instanceof Promise)
    return verdict.then((late) => finish(session, mail, account, late));
  return finish(session, mail, account, verdict);
}

function finish(
  session: CommandSession,
  mail: MailCommand,
  { tenant }: Account,
  refusal: ErrorCode | undefined,
) {
  if (refusal !== undefined) return session.refuse(replyOf(refusal));
  return open(session, mail, tenant);
}

/** Nobody logged in: a stranger's mail is of no tenant before its recipients are known. */
function openFor(session: CommandSession, mail: MailCommand): void | Promise<void> {
  const { service, peer } = session;
  const isRelay = peer.isTrusted && service.dialect === 'smtp';
  if (!isRelay) return open(session, mail, defaultTenant);
  const tenant = tenantOfSender(service.directory, mail.path.domain);
  if (tenant instanceof Promise) return tenant.then((late) => open(session, mail, late));
  return open(session, mail, tenant);
}

/** Scanners are asked before room is held. */
function open(session: CommandSession, mail: MailCommand, tenant: TenantId): void | Promise<void> {
  if (session.isEnded) return;
  const asked = askStage(session, 'mail', { sender: mail.path.address });
  if (asked === undefined) return begin(session, mail, tenant);
  return asked.then((goesOn) => {
    if (goesOn) begin(session, mail, tenant);
  });
}

function begin(session: CommandSession, mail: MailCommand, tenant: TenantId): void {
  // A connection that went away while its sender was judged must not hold room.
  if (session.isEnded) return;
  const { service, transaction, peer } = session;
  const isHandedIn = peer.isTrusted && service.dialect === 'smtp';
  if (isHandedIn && service.reception.quotaWaitMs(tenant, 1) > 0) {
    // No error of the client's: there is nothing to do but to come again.
    session.reply(replyOf('tenant-over-quota'));
    return;
  }
  let terms: DeliveryTerms | undefined;
  if (mail.terms !== undefined) {
    const judged = termsOf(mail.terms, service.policy, service.clock.nowMs());
    if (typeof judged === 'string') {
      session.refuse(judged === 'bad' ? replies.badParameter : replies.unknownParameter);
      return;
    }
    terms = judged;
  }
  if (mail.requireTls) terms = { ...terms, requireTls: true };
  const refusal = transaction.open(mail, service.reception, tenant, terms);
  session.reply(refusal === undefined ? replies.senderOk : replyOf(refusal.code));
}

export const mailCommand = {
  name: 'MAIL',
  help: 'MAIL FROM:<sender> [SIZE= BODY= SMTPUTF8 RET= ENVID= REQUIRETLS HOLDFOR= HOLDUNTIL= BY= MT-PRIORITY=]',
  run: runMail,
} as const satisfies SmtpCommand;
