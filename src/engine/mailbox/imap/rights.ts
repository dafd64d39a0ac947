/**
 * What one reader may do in the mailboxes of one account.
 *
 * Runs in:   the engine thread that owns the account's shard.
 * Specs:     RFC 4314 §4 (rights of commands), §6 (what a refusal may tell).
 * Invariant: the owner has all rights, whatever a list says. Whoever may not see that a mailbox exists hears what is
 *            said of one that does not.
 */

import { MailError } from '../../../base/errors.ts';
import { allRights, noRights, rights } from '../../../mail/wire/imap/rights.ts';
import { aclKey } from '../../store/keys.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import { decodeAcl, rightsIn } from '../rows/acl-row.ts';

export interface Reader {
  readonly account: number;
  readonly tenant: number;
  /** How access lists name groups that the reader is in. */
  readonly groups: readonly number[];
}

export class Rights {
  readonly reader: Reader;
  readonly isOwner: boolean;
  readonly #shard: Pick<MailboxShard, 'get'>;
  readonly #account: number;

  /** Of `reader` in the mailboxes of `account`. */
  constructor(shard: Pick<MailboxShard, 'get'>, account: number, reader: Reader) {
    this.#shard = shard;
    this.#account = account;
    this.reader = reader;
    this.isOwner = reader.account === account;
  }

  of(mailbox: number): number {
    if (this.isOwner) return allRights;
    const value = this.#shard.get(aclKey(this.#account, mailbox));
    if (value === undefined) return noRights;
    return rightsIn(decodeAcl(value), this.reader);
  }

  /**
   * All of `wanted`; mailbox 0 is one that does not exist.
   * @throws MailError `permission-missing` where the reader may see the mailbox, else `not-found`
   */
  mustHave(mailbox: number, wanted: number): void {
    if (this.isOwner) return;
    const had = mailbox === 0 ? noRights : this.of(mailbox);
    if ((had & wanted) !== wanted) this.refuse(had);
  }

  /** Any of `wanted`. @throws as `mustHave` */
  mustHaveAny(mailbox: number, wanted: number): void {
    if (this.isOwner) return;
    const had = mailbox === 0 ? noRights : this.of(mailbox);
    if ((had & wanted) === 0) this.refuse(had);
  }

  refuse(had: number): never {
    const isVisible = (had & rights.lookup) !== 0;
    throw new MailError(isVisible ? 'permission-missing' : 'not-found', 'rights');
  }
}
