/**
 * An account's mailboxes by their paths: found, made, deleted, renamed, subscribed to.
 *
 * Runs in:   the engine thread that owns the shard.
 * Specs:     RFC 9051 §6.3.4-8; RFC 6154 (roles).
 * Limits:    `mailboxesMax` mailboxes and as many subscriptions; `foundMax` paths are remembered.
 * Invariant: a path names at most one mailbox; levels above one that is made are made with it.
 */

import { mailboxTree } from '../../actors/asks/imap-asks.ts';
import { MailError } from '../../base/errors.ts';
import type { AccountId, TenantId } from '../../base/ids.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { inbox, nameFault, separator } from '../../mail/wire/imap/mailbox-name.ts';
import { accountRange, subscribedPath, tables } from '../store/keys.ts';
import { inboxMailbox } from './account-actor.ts';
import { askName, mailboxNamed } from './ask-names.ts';
import { mustBeFreeRole, type NumberedMailbox } from './mailbox-reader.ts';
import type { MailboxShard } from './mailbox-shard.ts';
import type { Mailboxes } from './mailboxes.ts';
import { type AskName, noName } from './records.ts';
import type { Role } from './rows/mailbox-row.ts';
import { mailboxDeletedDraft, mailboxRenamedDraft, subscribedDraft } from './tree-records.ts';

const mailboxesMax = 10_000;
const foundMax = 2_000;
const uidMax = 0xffff_ffff;

export interface Owner {
  readonly account: AccountId;
  readonly tenant: TenantId;
}

export class MailboxTree {
  readonly #mailboxes: Mailboxes;
  readonly #shard: Pick<MailboxShard, 'get' | 'range'>;
  /** Where paths led when they were last looked up, a number a level. Rows are asked whether they still do. */
  readonly #found = new RecentMap<string, readonly number[]>(foundMax);

  constructor(mailboxes: Mailboxes, shard: Pick<MailboxShard, 'get' | 'range'>) {
    this.#mailboxes = mailboxes;
    this.#shard = shard;
  }

  /** Undefined where nothing has the path. */
  find(account: number, path: string): NumberedMailbox | undefined {
    const name = `${account} ${path}`;
    const known = this.#found.get(name);
    const still = known === undefined ? undefined : this.#follow(account, path, known);
    if (still !== undefined) return still;
    const levels = findIn(this.#mailboxes.reader.mailboxes(account), path);
    if (levels === undefined) return undefined;
    this.#found.set(
      name,
      levels.map(({ mailbox }) => mailbox),
    );
    return levels.at(-1);
  }

  /** The last of these levels; undefined where the path does not lead over them any more. */
  #follow(account: number, path: string, levels: readonly number[]): NumberedMailbox | undefined {
    const names = path.split(separator);
    let found: NumberedMailbox | undefined;
    for (const [level, mailbox] of levels.entries()) {
      const row = this.#mailboxes.reader.mailbox(account, mailbox);
      if (row === undefined || row.parent !== (found?.mailbox ?? 0)) return undefined;
      if (path !== inbox && row.name !== names[level]) return undefined;
      found = { mailbox, row };
    }
    return found;
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
    mustBeFreeRole(this.#mailboxes.reader.mailboxes(account), role);
    const names = path.split(separator);
    const parent = await this.#levels(owner, names.slice(0, -1));
    return this.#make(owner, { name: names.at(-1)!, parent, role }, ask);
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
    const names = newPath.split(separator);
    const parent = await this.#levels(owner, names.slice(0, -1));
    await this.#mailboxes.decide(account, tenant, (actor) => {
      const name = names.at(-1)!;
      this.#mustBeFree(account, name, parent);
      this.#mustBeOutside(account, parent, mailbox);
      const isThere = (one: number) => actor.mailbox(one) !== undefined;
      if (!isThere(mailbox)) throw new MailError('not-found', path);
      if (parent !== 0 && !isThere(parent)) throw new MailError('not-found', newPath);
      const modseq = actor.nextModseq();
      // As they are named now: a level above may have been renamed meanwhile.
      const fromPath = this.#pathOf(account, mailbox);
      const toPath = parent === 0 ? name : this.#pathOf(account, parent) + separator + name;
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

  /** All there are, in order of number. */
  paths(account: number): (readonly [mailbox: number, path: string])[] {
    const all = this.#mailboxes.reader.mailboxes(account);
    const rows = new Map(all.map(({ mailbox, row }) => [mailbox, row]));
    return all.map(({ mailbox, row }) => {
      let path = row.name;
      for (let above = rows.get(row.parent); above !== undefined; above = rows.get(above.parent)) {
        path = above.name + separator + path;
      }
      return [mailbox, path];
    });
  }

  /** Paths subscribed to. A mailbox with a role is, until its owner says otherwise. */
  subscribed(account: number): string[] {
    const all = this.#mailboxes.reader.mailboxes(account);
    const paths = new Set<string>();
    for (const one of all) if (one.row.role !== '') paths.add(pathOf(all, one));
    for (const { key, value } of this.#shard.range(accountRange(tables.subscription, account))) {
      if (value[0] === 1) paths.add(subscribedPath(key));
      else paths.delete(subscribedPath(key));
    }
    return [...paths];
  }

  /** RFC 9051 §6.3.6: renaming INBOX moves its messages, and leaves it empty; what is below it stays. */
  async #emptyInbox(owner: Owner, newPath: string, id: string): Promise<void> {
    const { account, tenant } = owner;
    const target = await this.create(owner, newPath, '', id);
    const from = { mailbox: inboxMailbox, uids: [1, uidMax] };
    await this.#mailboxes.copy(account, tenant, from, target, true, id);
  }

  /** What is below moves along, and must have names that a client can say. */
  #mustBeNames(account: number, path: string, newPath: string): void {
    for (const [, own] of this.paths(account)) {
      if (!own.startsWith(path + separator)) continue;
      const fault = nameFault(newPath + own.slice(path.length));
      if (fault !== undefined) throw new MailError('argument-invalid', fault);
    }
  }

  #pathOf(account: number, mailbox: number): string {
    const all = this.#mailboxes.reader.mailboxes(account);
    const one = all.find((each) => each.mailbox === mailbox);
    return one === undefined ? '' : pathOf(all, one);
  }

  /** The number of the last of the levels, each made where it is not there; 0 for none. */
  async #levels(owner: Owner, names: readonly string[]): Promise<number> {
    let parent = 0;
    for (const [level, name] of names.entries()) {
      const found = this.find(owner.account, names.slice(0, level + 1).join(separator));
      parent = found?.mailbox ?? (await this.#make(owner, { name, parent, role: '' }, noName));
    }
    return parent;
  }

  #make(
    { account, tenant }: Owner,
    mailbox: { readonly name: string; readonly parent: number; readonly role: Role },
    ask: AskName,
  ): Promise<number> {
    if (this.#mailboxes.reader.mailboxes(account).length >= mailboxesMax) {
      throw new MailError('not-possible-now', 'mailboxes');
    }
    return this.#mailboxes.createMailbox(account, tenant, mailbox, ask);
  }

  #mustBeLeaf(account: number, mailbox: number): void {
    const all = this.#mailboxes.reader.mailboxes(account);
    if (all.some(({ row }) => row.parent === mailbox)) {
      throw new MailError('not-possible-now', 'it has children');
    }
  }

  /** Two renames at once could put each of two mailboxes below the other, and out of everybody's sight. */
  #mustBeOutside(account: number, parent: number, mailbox: number): void {
    const all = this.#mailboxes.reader.mailboxes(account);
    for (let at = parent; at !== 0; at = all.find((one) => one.mailbox === at)?.row.parent ?? 0) {
      if (at === mailbox) throw new MailError('argument-invalid', 'into itself');
    }
  }

  #mustBeFree(account: number, name: string, parent: number): void {
    const all = this.#mailboxes.reader.mailboxes(account);
    if (all.some(({ row }) => row.name === name && row.parent === parent)) {
      throw new MailError('already-exists', name);
    }
  }
}

/** One a level. */
function findIn(
  all: readonly NumberedMailbox[],
  path: string,
): readonly NumberedMailbox[] | undefined {
  if (path === inbox) {
    const found = all.find(({ mailbox }) => mailbox === inboxMailbox);
    return found === undefined ? undefined : [found];
  }
  const levels: NumberedMailbox[] = [];
  for (const name of path.split(separator)) {
    const parent = levels.at(-1)?.mailbox ?? 0;
    const found = all.find(({ row }) => row.name === name && row.parent === parent);
    if (found === undefined) return undefined;
    levels.push(found);
  }
  return levels;
}

function pathOf(all: readonly NumberedMailbox[], one: NumberedMailbox): string {
  const { name, parent } = one.row;
  const above = parent === 0 ? undefined : all.find(({ mailbox }) => mailbox === parent);
  return above === undefined ? name : pathOf(all, above) + separator + name;
}
