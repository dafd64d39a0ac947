/**
 * What an account's mailboxes are called, as a tree that is kept: a path is found without reading all their rows.
 *
 * Runs in:   the engine thread that owns the shard.
 * Limits:    about `mailboxBytes` a mailbox, in the memory that all shards of the thread share; what is not kept is
 *            read anew from the rows. `changedMax` mailboxes are read again one by one; after more, all are.
 * Invariant: shows what the rows say: who applies a record that names, moves or ends a mailbox says so at once.
 */

import { MailError } from '../../base/errors.ts';
import { inbox, separator } from '../../mail/wire/imap/mailbox-name.ts';
import { accountRange, lastU32, mailboxKey, tables } from '../store/keys.ts';
import { inboxMailbox } from './account-actor.ts';
import { DerivedMap, type DerivedMemory } from './derived-memory.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import { decodeMailbox, isHidden, mailboxNameLengthMax, type Role } from './rows/mailbox-row.ts';

const changedMax = 1_000;
const mailboxBytes = 400;

export interface NamedMailbox {
  readonly mailbox: number;
  readonly name: string;
  /** 0 is none. */
  readonly parent: number;
  readonly role: Role;
}

/** Good for one turn: after an await it is asked for again. */
export class AccountNames {
  readonly #mailboxes = new Map<number, NamedMailbox>();
  /** By the number of the one above, and name. */
  readonly #numbers = new Map<string, number>();
  readonly #children = new Map<number, Set<number>>();

  get count(): number {
    return this.#mailboxes.size;
  }

  get(mailbox: number): NamedMailbox | undefined {
    return this.#mailboxes.get(mailbox);
  }

  /** Those that are shown. */
  *shown(): Iterable<NamedMailbox> {
    for (const one of this.#mailboxes.values()) if (!isHidden(one.role)) yield one;
  }

  /** The number of what has the path; 0: nothing has. */
  find(path: string): number {
    if (path === inbox) return this.#mailboxes.has(inboxMailbox) ? inboxMailbox : 0;
    let found = 0;
    for (const name of path.split(separator)) {
      found = this.child(found, name);
      if (found === 0) return 0;
    }
    return found;
  }

  /** The number of what is called so directly below `parent`; 0: nothing is. */
  child(parent: number, name: string): number {
    return this.#numbers.get(placeOf(parent, name)) ?? 0;
  }

  children(parent: number): Iterable<number> {
    return this.#children.get(parent) ?? [];
  }

  hasChildren(mailbox: number): boolean {
    return this.#children.has(mailbox);
  }

  /** With the names of those above it; "" where there is no such mailbox to be shown. */
  path(mailbox: number): string {
    const one = this.#mailboxes.get(mailbox);
    if (one === undefined || isHidden(one.role)) return '';
    const above = one.parent === 0 ? '' : this.path(one.parent);
    return above === '' ? one.name : above + separator + one.name;
  }

  /** RFC 8621 §2: one mailbox of an account has a role. 0: none has it. */
  withRole(role: Role): number {
    for (const one of this.#mailboxes.values()) if (one.role === role) return one.mailbox;
    return 0;
  }

  put(one: NamedMailbox): void {
    this.displace(one.mailbox);
    const place = placeOf(one.parent, one.name);
    this.#mailboxes.set(one.mailbox, one);
    if (isHidden(one.role)) return;
    if (!this.#numbers.has(place)) this.#numbers.set(place, one.mailbox);
    const siblings = this.#children.get(one.parent);
    if (siblings === undefined) this.#children.set(one.parent, new Set([one.mailbox]));
    else siblings.add(one.mailbox);
  }

  remove(mailbox: number): void {
    this.displace(mailbox);
    this.#mailboxes.delete(mailbox);
  }

  /** Another may have its name from now on. */
  displace(mailbox: number): void {
    const one = this.#mailboxes.get(mailbox);
    if (one === undefined || isHidden(one.role)) return;
    const place = placeOf(one.parent, one.name);
    const siblings = this.#children.get(one.parent);
    if (this.#numbers.get(place) === mailbox) this.#numbers.delete(place);
    siblings?.delete(mailbox);
    if (siblings?.size === 0) this.#children.delete(one.parent);
  }
}

/** @throws MailError `argument-invalid` */
export function mustBeName(name: string): void {
  if (name === '' || name.length > mailboxNameLengthMax || /[\u0000-\u001f\u007f]/.test(name)) {
    throw new MailError('argument-invalid', 'mailbox name');
  }
}

/** @throws MailError `argument-invalid` */
export function mustBeFreeRole(names: AccountNames, role: Role): void {
  if (role !== '' && names.withRole(role) !== 0) {
    throw new MailError('argument-invalid', `another mailbox is ${role}`);
  }
}

/** @throws MailError `already-exists`, `argument-invalid` (its role), `not-found` (what it is to be below) */
export function mustBeFree(
  names: AccountNames,
  { name, parent, role }: Omit<NamedMailbox, 'mailbox'>,
): void {
  const isTaken = !isHidden(role) && names.child(parent, name) !== 0;
  if (isTaken) throw new MailError('already-exists', name);
  mustBeFreeRole(names, role);
  if (parent !== 0 && names.get(parent) === undefined) {
    throw new MailError('not-found', `mailbox ${parent}`);
  }
}

interface Kept {
  readonly names: AccountNames;
  /** Their rows were written since. */
  readonly changed: Set<number>;
}

/** Of all accounts of a shard. */
export class MailboxNames {
  readonly #kept: DerivedMap<Kept>;
  #shard: Pick<MailboxShard, 'get' | 'range'> | undefined;

  constructor(memory: DerivedMemory) {
    this.#kept = new DerivedMap(memory);
  }

  /** The shard is open. */
  attach(shard: Pick<MailboxShard, 'get' | 'range'>): void {
    this.#shard = shard;
  }

  /** As journaled. */
  of(account: number): AccountNames {
    const shard = this.#shard;
    if (shard === undefined) throw new MailError('not-possible-now', 'shard not open');
    const key = String(account);
    const kept = this.#kept.get(key);
    if (kept?.changed.size === 0) return kept.names;
    const names = kept === undefined ? readAll(shard, account) : kept.names;
    // All leave their places first: they may have changed them among each other.
    for (const mailbox of kept?.changed ?? []) names.displace(mailbox);
    for (const mailbox of kept?.changed ?? []) readOne(shard, account, mailbox, names);
    this.#kept.set(key, { names, changed: new Set() }, names.count * mailboxBytes);
    return names;
  }

  /** A mailbox was made or ended, or has another name. */
  changed(account: number, mailbox: number): void {
    const kept = this.#kept.get(String(account));
    if (kept === undefined) return;
    if (kept.changed.size < changedMax) kept.changed.add(mailbox);
    else this.forget(account);
  }

  /** All of them were made or ended. */
  forget(account: number): void {
    this.#kept.delete(String(account));
  }

  close(): void {
    this.#kept.close();
  }
}

function readAll(shard: Pick<MailboxShard, 'range'>, account: number): AccountNames {
  const names = new AccountNames();
  for (const { key, value } of shard.range(accountRange(tables.mailbox, account))) {
    names.put(namedIn(lastU32(key), value));
  }
  return names;
}

function readOne(
  shard: Pick<MailboxShard, 'get'>,
  account: number,
  mailbox: number,
  names: AccountNames,
): void {
  const value = shard.get(mailboxKey(account, mailbox));
  if (value === undefined) names.remove(mailbox);
  else names.put(namedIn(mailbox, value));
}

function namedIn(mailbox: number, value: Uint8Array): NamedMailbox {
  const { name, parent, role } = decodeMailbox(value);
  return { mailbox, name, parent, role };
}

/** No name holds a separator. */
function placeOf(parent: number, name: string): string {
  return `${parent}${separator}${name}`;
}
