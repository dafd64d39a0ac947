/**
 * GETQUOTA, GETQUOTAROOT, SETQUOTA.
 *
 * Runs in:   edge (main thread).
 * Specs:     RFC 9208 §4.1 (commands), §5.1 (STORAGE counts 1,024 octets), §5.2 (MESSAGE).
 * Invariant: an account is one quota root, named by its address. Whoever may not see a root is told that there is
 *            none.
 */

import { imapAsks } from '../../../../actors/asks/imap-asks.ts';
import type { AccountUse } from '../../../../actors/asks/mailbox-asks.ts';
import { kibibyte } from '../../../../base/units.ts';
import { parseMailboxArgument } from '../../../../mail/wire/imap/parse-mailbox.ts';
import {
  parseGetQuota,
  parseSetQuota,
  type SetQuotaCommand,
} from '../../../../mail/wire/imap/parse-quota.ts';
import {
  type QuotaResource,
  writeQuota,
  writeQuotaRoot,
} from '../../../../mail/wire/imap/response-quota.ts';
import type { Account } from '../../../../ports/account-directory.ts';
import { ownerOf } from '../account-asks.ts';
import { answerOf, type CommandEnd, no, ok } from '../answers.ts';
import { type CommandSession, type ImapCommand, loggedInStates } from '../command.ts';
import { placeOf } from '../places.ts';

const noRoot = no('There is no such quota root', 'NONEXISTENT');
const bytesMax = Number.MAX_SAFE_INTEGER;

function isSetter({ account, service }: CommandSession): boolean {
  return service.policy.quotaSetters.includes(account!.address);
}

/** The account of a root that the session may see. */
async function rootAccount(session: CommandSession, root: string): Promise<Account | undefined> {
  const own = session.account!;
  if (root === own.address) return own;
  const named = await session.service.accounts.accountByAddress(root);
  if (named === undefined) return undefined;
  if (named.id === own.id) return own;
  return named.tenant === own.tenant && isSetter(session) ? named : undefined;
}

function resourcesOf(use: AccountUse): readonly QuotaResource[] {
  const { bytes, messages, quotaBytes, quotaMessages } = use;
  const resources: QuotaResource[] = [];
  if (quotaBytes > 0) {
    const limit = Math.floor(quotaBytes / kibibyte);
    resources.push({ name: 'STORAGE', used: Math.ceil(bytes / kibibyte), limit });
  }
  if (quotaMessages > 0) {
    resources.push({ name: 'MESSAGE', used: messages, limit: quotaMessages });
  }
  return resources;
}

async function getQuota(session: CommandSession, root: string): Promise<CommandEnd> {
  const account = await rootAccount(session, root);
  if (account === undefined) return noRoot;
  return await tellQuota(session, account, 'GETQUOTA done');
}

async function tellQuota(
  session: CommandSession,
  account: Account,
  done: string,
): Promise<CommandEnd> {
  // Of another account nothing may be asked as its reader: an operator's way leads there.
  const isOwn = account.id === session.account!.id;
  const answer = await (isOwn
    ? session.ask(imapAsks.quota, [ownerOf(account)])
    : session.service.accounts.use(account));
  if (!answer.ok) return answerOf(answer.code);
  const resources = resourcesOf(answer.value as AccountUse);
  session.respond((writer) => writeQuota(writer, account.address, resources));
  return ok(done);
}

async function getQuotaRoot(session: CommandSession, mailbox: string): Promise<CommandEnd> {
  const place = await placeOf(session, mailbox);
  if (place === undefined) return answerOf('not-found');
  const { owner: account, path } = place;
  const answer = await session.ask(imapAsks.quota, [ownerOf(account), path], { to: account });
  if (!answer.ok) return answerOf(answer.code);
  const resources = resourcesOf(answer.value as AccountUse);
  session.respond((writer) => {
    writeQuotaRoot(writer, mailbox, account.address);
    writeQuota(writer, account.address, resources);
  });
  return ok('GETQUOTAROOT done');
}

/** RFC 9208 §4.1.3: limits that were there and are not named are gone. */
async function setQuota(
  session: CommandSession,
  { root, limits }: SetQuotaCommand,
): Promise<CommandEnd> {
  if (!isSetter(session)) return answerOf('permission-missing');
  const account = await rootAccount(session, root);
  if (account === undefined) return noRoot;
  const { STORAGE = 0, MESSAGE = 0, ...others } = Object.fromEntries(limits);
  if (Object.keys(others).length > 0) return no('Such a resource is not counted here', 'CANNOT');
  // A limit of 0 would be none here: what is asked for is that nothing more comes.
  const least = (name: string, value: number) => (limits.has(name) ? Math.max(1, value) : 0);
  const bytes = Math.min(bytesMax, least('STORAGE', STORAGE * kibibyte));
  const messages = Math.min(bytesMax, least('MESSAGE', MESSAGE));
  const failed = await session.service.accounts.setQuota(account, { bytes, messages });
  if (failed !== undefined) return answerOf(failed.code);
  return await tellQuota(session, account, 'SETQUOTA done');
}

export const getQuotaCommand = {
  name: 'GETQUOTA',
  states: loggedInStates,
  parse: parseGetQuota,
  run: getQuota,
} as const satisfies ImapCommand<string>;

export const getQuotaRootCommand = {
  name: 'GETQUOTAROOT',
  states: loggedInStates,
  parse: parseMailboxArgument,
  run: getQuotaRoot,
} as const satisfies ImapCommand<string>;

export const setQuotaCommand = {
  name: 'SETQUOTA',
  states: loggedInStates,
  parse: parseSetQuota,
  run: setQuota,
} as const satisfies ImapCommand<SetQuotaCommand>;
