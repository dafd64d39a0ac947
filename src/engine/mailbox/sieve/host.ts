/**
 * What scripts learn of their account: its mailboxes, its annotations, what it remembers.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 5490 (mailboxes, annotations), RFC 8579 (special uses), RFC 9042 (ids of mailboxes), RFC 5183 §4
 *            (environment), RFC 6134 (lists), RFC 7352.
 * Invariant: all as journaled at this instant; nothing waits.
 */

import type { ServerScripts } from '../../../mail/sieve/compile/at-delivery.ts';
import type { Filing } from '../../../mail/sieve/run/actions.ts';
import type { SieveHost, SieveMailboxes, SieveVerdict } from '../../../mail/sieve/run/host.ts';
import { annotationRange } from '../../store/keys.ts';
import { readerOf } from '../annotation-records.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { AccountNames, MailboxNames } from '../names.ts';
import { annotationsOf } from '../rows/annotation-row.ts';
import { isHidden, type Role, roles } from '../rows/mailbox-row.ts';
import { accountLists } from './account-lists.ts';
import type { SieveMemory } from './memory.ts';

export interface HostParts {
  readonly serverScripts: () => Pick<ServerScripts, 'lists'>;
  readonly shard: () => Pick<MailboxShard, 'range'>;
  readonly names: Pick<MailboxNames, 'of'>;
  readonly memory: SieveMemory;
  readonly hostname: () => string;
}

export interface HostFacts {
  readonly account: number;
  /** "" is the null reverse-path. */
  readonly sender: string;
  readonly recipient: string;
  readonly user?: string;
  readonly nowMs: number;
  /** The server wrote it: what it tells of others' mail is not judged as theirs. */
  readonly isOwn?: true;
  /** By which the message came in; absent: out of a queue. */
  readonly peerAddress?: string;
  readonly helo?: string;
  /** It lies in a mailbox, and this happened to it there. */
  readonly event?: ImapEvent;
}

/** RFC 6785 §4. */
export interface ImapEvent {
  readonly cause: 'APPEND' | 'COPY' | 'FLAG';
  readonly mailbox: string;
  /** Those that the message has. */
  readonly flags: readonly string[];
  readonly changedFlags: readonly string[];
}

export function sieveHost(parts: HostParts, facts: HostFacts, verdict: SieveVerdict): SieveHost {
  const { account, sender, recipient, user, nowMs } = facts;
  const { memory } = parts;
  const mailboxes = accountMailboxes(parts, account);
  return {
    envelope: { from: sender, to: recipient, ...(user === undefined ? {} : { auth: user }) },
    ownAddresses: [],
    nowMs,
    zoneMinutes: 0,
    ...(facts.event === undefined ? {} : { flags: facts.event.flags }),
    detailSeparator: '+',
    environment: (item) => environmentItem(parts, facts, item),
    mailboxes,
    lists: accountLists(parts.serverScripts(), mailboxes.serverMetadata),
    verdict,
    rememberedMs: (key) => {
      const found = memory.find(account, `duplicate ${key}`, nowMs);
      return found === undefined ? undefined : nowMs - found.sinceMs;
    },
  };
}

function environmentItem(
  { hostname }: HostParts,
  { peerAddress, helo, user, event }: HostFacts,
  item: string,
): string | undefined {
  if (item.startsWith('imap.')) return event && imapItem(event, user, item);
  switch (item) {
    case 'domain':
      return hostname().split('.').slice(1).join('.');
    case 'host':
      return hostname();
    case 'location':
      return event === undefined ? 'MDA' : 'MS';
    case 'name':
      return 'Chaski';
    case 'phase':
      return event === undefined ? 'during' : 'post';
    case 'remote-host':
      return helo;
    case 'remote-ip':
      return peerAddress;
    case 'version':
      return '';
    default:
      return undefined;
  }
}

function imapItem(
  { cause, mailbox, changedFlags }: ImapEvent,
  user: string | undefined,
  item: string,
): string | undefined {
  if (item === 'imap.user' || item === 'imap.email') return user;
  if (item === 'imap.cause') return cause;
  if (item === 'imap.mailbox') return mailbox;
  return item === 'imap.changedflags' ? changedFlags.join(' ') : undefined;
}

function accountMailboxes({ shard, names }: HostParts, account: number): SieveMailboxes {
  const annotation = (mailbox: number, entry: string) => {
    const name = entry.toLowerCase();
    const range = annotationRange(account, mailbox, readerOf(name, account), name);
    return annotationsOf(shard().range(range))[0]?.value;
  };
  return {
    exists: (mailbox) => names.of(account).find(mailbox) !== 0,
    existsById: (id) => mailboxById(names.of(account), id) !== 0,
    hasSpecialUse: (mailbox, use) => {
      const own = names.of(account);
      const found = mailboxByUse(own, use);
      return found !== 0 && (mailbox === undefined || own.find(mailbox) === found);
    },
    metadata: (mailbox, entry) => {
      const found = names.of(account).find(mailbox);
      return found === 0 ? undefined : textOf(annotation(found, entry));
    },
    serverMetadata: (entry) => textOf(annotation(0, entry)),
  };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('utf8');
}

/** 0: it is none of the account's. */
function mailboxById(names: AccountNames, id: string): number {
  const number = Number(/^F([1-9]\d{0,9})$/.exec(id)?.[1] ?? 0);
  const role = names.get(number)?.role;
  return role === undefined || isHidden(role) ? 0 : number;
}

/** `use` with its backslash; 0: none that is shown has it. */
function mailboxByUse(names: AccountNames, use: string): number {
  const role = roleOf(use);
  return role === '' || isHidden(role) ? 0 : names.withRole(role);
}

/** "": no role of ours. */
export function roleOf(use: string | undefined): Role {
  const name = use?.slice(1).toLowerCase();
  return roles.find((role) => role !== '' && role === name) ?? '';
}

/** Where the copy is to go; 0: where no mailbox is yet. */
export function mailboxOf(names: AccountNames, place: Filing): number {
  const { mailbox, mailboxId, specialUse } = place;
  const role = roleOf(specialUse);
  if (isHidden(role)) return names.withRole(role);
  return (
    (mailboxId === undefined ? 0 : mailboxById(names, mailboxId)) ||
    (specialUse === undefined ? 0 : mailboxByUse(names, specialUse)) ||
    names.find(mailbox)
  );
}
