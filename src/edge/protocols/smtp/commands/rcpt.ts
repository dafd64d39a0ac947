/**
 * RCPT: adds a recipient.
 *
 * Runs in:   edge (main thread); hot: no promise when the directory answers at once.
 * Specs:     RFC 5321 §4.1.1.3, §4.5.3.1.10 (452 for too many), RFC 3461 §4.1-4.2, RFC 6531 §3.5.
 */

import {
  type EnvelopeFault,
  parseRcpt,
  type RcptCommand,
} from '../../../../mail/wire/smtp/envelope-commands.ts';
import { type KnownSender, stranger } from '../../../guard/closed-groups.ts';
import {
  decideRecipient,
  decideReturnPath,
  type RecipientDecision,
} from '../../../guard/recipient-policy.ts';
import type { RateReached, SendRates } from '../../../guard/send-rates.ts';
import type { CommandSession, SmtpCommand } from '../command.ts';
import { passesFilters } from '../filters.ts';
import { rateReply, replies, replyOf } from '../replies.ts';
import { askStage } from '../stages.ts';

type Recipients = Exclude<RecipientDecision, string>;

const faultReplies = {
  syntax: replies.badSyntax,
  path: replyOf('recipient-invalid'),
  unknown: replies.unknownParameter,
  parameter: replies.badParameter,
} as const satisfies Record<EnvelopeFault, unknown>;

function runRcpt(session: CommandSession, line: Buffer, from: number, to: number) {
  const { service, transaction } = session;
  if (!transaction.isOpen) return session.refuse(replies.mailFirst);
  if (session.isChunking) return session.refuse(replies.dataAfterBdat);
  const rcpt = parseRcpt(line, from, to);
  if (typeof rcpt === 'string') return session.refuse(faultReplies[rcpt]);
  if (rcpt.path.isUtf8 && !transaction.mail!.smtputf8) {
    return session.refuse(replies.recipientNeedsUtf8);
  }
  if (transaction.rcptCount >= service.policy.limits.recipientsMax) {
    // Not counted as an error: RFC 5321 §4.5.3.1.10 has the client send the rest in another transaction.
    return session.reply(replyOf('recipients-too-many'));
  }
  // LMTP delivers; it never queues for others (RFC 2033 §3).
  const mayRelay = session.peer.isTrusted && service.dialect === 'smtp';
  if (mayRelay && isSuppressed(session, rcpt)) {
    return session.refuse(replyOf('recipient-suppressed'));
  }
  const sender = transaction.mail!.path.address;
  const ours = service.feedback?.decide(rcpt.path, sender);
  if (ours !== undefined) return finish(session, rcpt, ours);
  const { directory, returnPaths } = service;
  const decision =
    decideReturnPath(directory, rcpt.path, sender, returnPaths) ??
    decideRecipient(directory, rcpt.path, mayRelay, senderOf(session, mayRelay));
  if (decision instanceof Promise) return decision.then((late) => finish(session, rcpt, late));
  return finish(session, rcpt, decision);
}

function senderOf({ account, transaction }: CommandSession, mayRelay: boolean): KnownSender {
  if (account !== undefined)
    return { kind: 'account', tenant: account.tenant, account: account.id };
  return mayRelay ? { kind: 'domain', domain: transaction.mail!.path.domain } : stranger;
}

/** Told at once, to the program that sends: as a report later it would be one more bounce. */
function isSuppressed({ service, transaction }: CommandSession, { path }: RcptCommand): boolean {
  const { tenant, mail } = transaction;
  const sender = mail!.path.address;
  const { address } = path;
  return service.suppression?.refusal({ tenant, stream: '', sender, address }) !== undefined;
}

function finish(session: CommandSession, rcpt: RcptCommand, decision: RecipientDecision) {
  if (typeof decision === 'string') return session.refuse(replyOf(decision));
  if (session.isEnded) return;
  const { filters } = session;
  if (filters !== undefined && !isHandedIn(session)) {
    return passesFilters(session, filters, rcpt.path).then((passes) => {
      if (passes) return accept(session, rcpt, decision);
    });
  }
  const rates = isHandedIn(session) ? session.service.sendRates : undefined;
  if (rates === undefined) return accept(session, rcpt, decision);
  return underRates(session, rates, rcpt, decision);
}

/** Scanners are asked last: what we refuse by ourselves costs them nothing. */
function accept(
  session: CommandSession,
  rcpt: RcptCommand,
  decision: Recipients,
): void | Promise<void> {
  const sender = session.transaction.mail!.path.address;
  const asked = askStage(session, 'rcpt', { sender, recipient: rcpt.path.address });
  if (asked === undefined) return add(session, rcpt, decision);
  return asked.then((goesOn) => {
    if (goesOn) add(session, rcpt, decision);
  });
}

function add(session: CommandSession, rcpt: RcptCommand, decision: Recipients): void {
  session.transaction.add(rcpt, decision);
  session.reply(replies.recipientOk);
}

/** By one of us: strangers' mail to us is under no rate of sending. */
function isHandedIn({ account, peer, service }: CommandSession): boolean {
  return service.dialect === 'smtp' && (account !== undefined || peer.isTrusted);
}

/** Refused before DATA, and not as the client's error: it may come again later. */
function underRates(
  session: CommandSession,
  rates: SendRates,
  rcpt: RcptCommand,
  decision: Recipients,
) {
  const { account, peer, transaction, service } = session;
  const from = {
    tenant: account?.tenant ?? transaction.tenant,
    account,
    sender: transaction.mail!.path.address,
    peerAddress: peer.address,
  };
  const answer = (reached: RateReached | undefined) => {
    if (session.isEnded) return;
    if (reached === undefined) return accept(session, rcpt, decision);
    session.reply(rateReply(reached));
  };
  const reached = rates.take(from, 1, service.clock.nowMs());
  if (reached instanceof Promise) return reached.then(answer);
  return answer(reached);
}

export const rcptCommand = {
  name: 'RCPT',
  help: 'RCPT TO:<recipient> [NOTIFY= ORCPT=]',
  run: runRcpt,
} as const satisfies SmtpCommand;
