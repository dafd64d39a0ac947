/**
 * Joins the entries of a ledger into one account: what became of every message, for every recipient.
 *
 * Runs in:   ledger, crash and bench runs. Entries may come in any order.
 * Limits:    keeps what it is given, about 1 kB a message: `accountOf` (ledger-folder.ts) joins any number part by part.
 */

import { AccountSum, type LedgerAccount } from './account.ts';
import type { EntryKind, LedgerEntries } from './entries.ts';
import { emptyHistory, enter, type History } from './history.ts';
import { idHash } from './id-hash.ts';
import type { EntryReceiver } from './ledger-reader.ts';
import type { FaintMessage } from './order-watch.ts';

const malformedShownMax = 10;
const malformedChars = 80;

export class LedgerJoin implements EntryReceiver {
  readonly #histories = new Map<string, History>();
  readonly #malformed: string[] = [];
  #malformedCount = 0;

  add<K extends EntryKind>(kind: K, entry: LedgerEntries[K]): void {
    let history = this.#histories.get(entry.id);
    if (history === undefined) {
      history = emptyHistory();
      this.#histories.set(entry.id, history);
    }
    enter(history, kind, entry);
  }

  addMalformed(kind: EntryKind, line: string): void {
    this.#malformedCount++;
    if (this.#malformed.length < malformedShownMax) {
      this.#malformed.push(`${kind}: ${line.slice(0, malformedChars)}`);
    }
  }

  account(): LedgerAccount {
    const sum = new AccountSum();
    this.addTo(sum);
    return sum.account((messages) => this.#recall(messages));
  }

  addTo(sum: AccountSum): void {
    const [first, ...more] = this.#malformed;
    if (first !== undefined) {
      sum.find('malformed', first, this.#malformedCount - more.length);
      for (const line of more) sum.find('malformed', line);
    }
    for (const [id, history] of this.#histories) sum.addHistory(id, history);
  }

  #recall(messages: readonly FaintMessage[]): readonly string[] {
    const found: string[] = [];
    for (const [id, { acknowledged = [] }] of this.#histories) {
      const hash = idHash(id);
      const isMeant = messages.some(
        (message) =>
          message.idHash === hash && acknowledged.some(({ sentMs }) => sentMs === message.sentMs),
      );
      if (isMeant) found.push(id);
    }
    return found;
  }
}
