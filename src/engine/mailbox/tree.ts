/**
 * An account's mailboxes by their paths: found, made, deleted, renamed, subscribed to.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.3.4-8; RFC 6154 (roles).
 * Limits:    `mailboxesMax` mailboxes and as many subscriptions.
 * Invariant: a path names at most one mailbox; levels above one that is made are made with it.
 */

import { mailboxTree } from '../../actors/asks/imap-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import { nameFault, separator } from '../../mail/wire/imap/mailbox-name.ts';
import { accountRange, subscribedPath, subscriptionKey, tables } from '../store/keys.ts';
import { inboxMailbox } from './account-actor.ts';
import { askName, mailboxNamed } from './ask-names.ts';
import type { NumberedMailbox } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { Mailboxes } from './mailboxes.ts';
import { type AccountNames, mustBeFreeRole } from './names.ts';
import { type AskName, noName } from './records.ts';
import type { Role } from './rows/mailbox-row.ts';
import { mailboxDeletedDraft, mailboxRenamedDraft, subscribedDraft } from './tree-records.ts';

const mailboxesMax = 10_000;
const uidMax = 0xffff_ffff;

export interface Owner {
  readonly account: AccountId;
  readonly tenant: TenantId;
}

export class MailboxTree {
  readonly #mailboxes: Mailboxes;
  readonly #shard: Pick<MailboxShard, 'get' | 'range'>;

  constructor(mailboxes: Mailboxes, shard: Pick<MailboxShard, 'get' | 'range'>) {
    this.#mailboxes = mailboxes;
    this.#shard = shard;
  }

  /** Good for one turn. */
  names(account: number): AccountNames {
    return this.#mailboxes.names.of(account);
  }

  /** Undefined where nothing has the path. */
  find(account: number, path: string): NumberedMailbox | undefined {
    const mailbox = this.names(account).find(path);
    const row = mailbox === 0 ? undefined : this.#mailboxes.reader.mailbox(account, mailbox);
    return row === undefined ? undefined : { mailbox, row };
  }

  /** @throws MailError `not-found` */
  get(account: number, path: string): NumberedMailbox {
    const found = this.find(account, path);
    if (found === undefined) throw new MailError('not-found', path);
    return found;
  }

  /**
   * The number of the last level. @throws MailError `already-exists`, `not-possible-now` at `mailboxesMax`,
   * `argument-invalid`: another mailbox has the role
   */
  async create(owner: Owner, path: string, role: Role = '', id = ''): Promise<number> {
    const { account } = owner;
    const ask = askName(id, 'create');
    const made = mailboxNamed(this.#shard, account, ask);
    if (made !== undefined) return made;
    if (this.find(account, path) !== undefined) throw new MailError('already-exists', path);
    // Before the levels above it are made.
    mustBeFreeRole(this.names(account), role);
    const levels = path.split(separator);
    const parent = await this.#levels(owner, levels.slice(0, -1));
    return this.#make(owner, { name: levels.at(-1)!, parent, role }, ask);
  }

  /** The number of the one that has the hidden role; made where none has, however many others there are. */
  async hidden(owner: Owner, name: string, role: Role): Promise<number> {
    const own = () => this.names(owner.account).withRole(role);
    if (own() !== 0) return own();
    try {
      const { account, tenant } = owner;
      return await this.#mailboxes.createMailbox(account, tenant, { name, parent: 0, role });
    } catch (error) {
      // Another was making it.
      if (own() === 0) throw error;
      return own();
    }
  }

  /** @throws MailError `not-found`, `argument-invalid` (INBOX), `not-possible-now` (it has children) */
  async delete({ account, tenant }: Owner, path: string, id = ''): Promise<void> {
    const ask = askName(id, 'delete');
    if (mailboxNamed(this.#shard, account, ask) !== undefined) return;
    const { mailbox } = this.get(account, path);
    if (mailbox === inboxMailbox) throw new MailError('argument-invalid', 'INBOX stays');
    this.#mustBeLeaf(account, mailbox);
    // In steps first: the record that ends the mailbox must not take a turn of seconds.
    await this.#mailboxes.expunge(account, tenant, mailbox, [1, uidMax]);
    await this.#mailboxes.decide(account, tenant, (actor) => {
      this.#mustBeLeaf(account, mailbox);
      const isThere = actor.mailbox(mailbox) !== undefined;
      const modseq = actor.nextModseq();
      const record = { account, modseq, mailbox, ...this.#mailboxes.keeping(), ask };
      const drafts = isThere ? [mailboxDeletedDraft(tenant, record)] : [];
      const settled = () => actor.ended(mailbox);
      actor.ending(mailbox);
      return { drafts, mailboxes: [mailbox, mailboxTree], value: undefined, settled };
    });
  }

  /** @throws MailError `not-found`, `already-exists`, `argument-invalid` (into itself, or below it too deep) */
  async rename(owner: Owner, path: string, newPath: string, id = ''): Promise<void> {
    const { account, tenant } = owner;
    const ask = askName(id, 'rename');
    if (mailboxNamed(this.#shard, account, ask) !== undefined) return;
    const { mailbox } = this.get(account, path);
    if (mailbox === inboxMailbox) return this.#emptyInbox(owner, newPath, id);
    if (this.find(account, newPath) !== undefined) throw new MailError('already-exists', newPath);
    // Before the levels above it are made: they would be made below it.
    if (newPath.startsWith(path + separator)) throw new MailError('argument-invalid', newPath);
    this.#mustBeNames(account, path, newPath);
    const levels = newPath.split(separator);
    const parent = await this.#levels(owner, levels.slice(0, -1));
    await this.#mailboxes.decide(account, tenant, (actor) => {
      const name = levels.at(-1)!;
      this.#mustBeFree(account, name, parent);
      this.#mustBeOutside(account, parent, mailbox);
      const isThere = (one: number) => actor.mailbox(one) !== undefined;
      if (!isThere(mailbox)) throw new MailError('not-found', path);
      if (parent !== 0 && !isThere(parent)) throw new MailError('not-found', newPath);
      const modseq = actor.nextModseq();
      // As they are named now: a level above may have been renamed meanwhile.
      const names = this.names(account);
      const fromPath = names.path(mailbox);
      const toPath = parent === 0 ? name : names.path(parent) + separator + name;
      const place = { name, parent, fromPath, toPath };
      const draft = mailboxRenamedDraft(tenant, { account, modseq, mailbox, ...place, ask });
      return { drafts: [draft], mailboxes: [mailboxTree], value: undefined };
    });
  }

  /** A path need not be of a mailbox. @throws MailError `not-possible-now` at `mailboxesMax` */
  async subscribe({ account, tenant }: Owner, path: string, isOn: boolean): Promise<void> {
    const before = this.subscribed(account);
    if (before.includes(path) === isOn) return;
    if (before.length >= mailboxesMax) throw new MailError('not-possible-now', 'subscriptions');
    await this.#mailboxes.decide(account, tenant, (actor) => {
      const record = { account, modseq: actor.nextModseq(), path, isOn };
      const drafts = [subscribedDraft(tenant, record)];
      return { drafts, mailboxes: [mailboxTree], value: undefined };
    });
  }

  /** All that are shown, in order of number. */
  paths(account: number): (readonly [mailbox: number, path: string])[] {
    const names = this.names(account);
    return Array.from(names.shown(), ({ mailbox }) => [mailbox, names.path(mailbox)]);
  }

  /** Those with these paths, all above them, and one below each that has any. */
  around(account: number, paths: readonly string[]): ReadonlySet<number> {
    const names = this.names(account);
    const around = new Set<number>();
    for (const path of paths) {
      const found = names.find(path);
      if (found === 0) continue;
      for (let at = found; at !== 0; at = names.get(at)?.parent ?? 0) around.add(at);
      for (const child of names.children(found)) {
        around.add(child);
        break;
      }
    }
    return around;
  }

  /** Paths subscribed to. A mailbox with a role is, until its owner says otherwise. */
  subscribed(account: number): string[] {
    const names = this.names(account);
    const paths = new Set<string>();
    for (const { mailbox, role } of names.shown()) if (role !== '') paths.add(names.path(mailbox));
    for (const { key, value } of this.#shard.range(accountRange(tables.subscription, account))) {
      if (value[0] === 1) paths.add(subscribedPath(key));
      else paths.delete(subscribedPath(key));
    }
    return [...paths];
  }

  isSubscribed(account: number, path: string): boolean {
    const said = this.#shard.get(subscriptionKey(account, path));
    if (said !== undefined) return said[0] === 1;
    const names = this.names(account);
    const role = names.get(names.find(path))?.role ?? '';
    return role !== '';
  }

  /** RFC 9051 §6.3.6: renaming INBOX moves its messages, and leaves it empty; what is below it stays. */
  async #emptyInbox(owner: Owner, newPath: string, id: string): Promise<void> {
    const { account, tenant } = owner;
    const target = await this.create(owner, newPath, '', id);
    const from = { mailbox: inboxMailbox, uids: [1, uidMax] };
    await this.#mailboxes.copy(account, tenant, from, target, true, { id });
  }

  /** What is below moves along, and must have names that a client can say. */
  #mustBeNames(account: number, path: string, newPath: string): void {
    for (const [, own] of this.paths(account)) {
      if (!own.startsWith(path + separator)) continue;
      const fault = nameFault(newPath + own.slice(path.length));
      if (fault !== undefined) throw new MailError('argument-invalid', fault);
    }
  }

  /** The number of the last of the levels, each made where it is not there; 0 for none. */
  async #levels(owner: Owner, levels: readonly string[]): Promise<number> {
    let parent = 0;
    for (const [level, name] of levels.entries()) {
      const found = this.names(owner.account).find(levels.slice(0, level + 1).join(separator));
      parent = found || (await this.#make(owner, { name, parent, role: '' }, noName));
    }
    return parent;
  }

  #make(
    { account, tenant }: Owner,
    mailbox: { readonly name: string; readonly parent: number; readonly role: Role },
    ask: AskName,
  ): Promise<number> {
    if (this.names(account).count >= mailboxesMax) {
      throw new MailError('not-possible-now', 'mailboxes');
    }
    return this.#mailboxes.createMailbox(account, tenant, mailbox, ask);
  }

  #mustBeLeaf(account: number, mailbox: number): void {
    if (this.names(account).hasChildren(mailbox)) {
      throw new MailError('not-possible-now', 'it has children');
    }
  }

  /** Two renames at once could put each of two mailboxes below the other, and out of everybody's sight. */
  #mustBeOutside(account: number, parent: number, mailbox: number): void {
    const names = this.names(account);
    for (let at = parent; at !== 0; at = names.get(at)?.parent ?? 0) {
      if (at === mailbox) throw new MailError('argument-invalid', 'into itself');
    }
  }

  #mustBeFree(account: number, name: string, parent: number): void {
    if (this.names(account).child(parent, name) !== 0) {
      throw new MailError('already-exists', name);
    }
  }
}
