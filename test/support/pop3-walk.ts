/**
 * A mail program that fetches by POP3 and now and then deletes: what QUIT answered is entered in the ledger that IMAP
 * sessions of the same account share.
 *
 * Runs in:   crash runs and simulations.
 * Specs:     RFC 1939 §6 (only QUIT deletes), §7 (UIDL), RFC 2449 §6.6 (commands are not waited for).
 * Invariant: deletes copies that no command changes; no other is said while its QUIT is under way.
 */

import type { Copy, MailLedger } from './mail-ledger.ts';
import type { WireClient } from './wire-client.ts';

const copiesMax = 3;
/** Of sessions: how many end without QUIT, and so delete nothing. */
const leavesShare = 0.3;

export interface Pop3WalkParts {
  readonly ledger: MailLedger;
  readonly chance: () => number;
  readonly address: string;
  readonly password: string;
  /** What the ledger calls the account's INBOX. */
  readonly inbox: string;
  /** QUIT was answered with an error: what came of it is not known. */
  readonly refused: (answer: string) => void;
}

export class Pop3Walk {
  /** What answers were wrong. */
  readonly faults: string[] = [];
  quits = 0;
  readonly #parts: Pop3WalkParts;

  constructor(parts: Pop3WalkParts) {
    this.#parts = parts;
  }

  /** One session, on a connection that was greeted. Rejects when it ends before its time. */
  async session(client: WireClient): Promise<void> {
    const { address, password, chance } = this.#parts;
    await this.#ok(client, `USER ${address}`);
    await this.#ok(client, `PASS ${password}`);
    const numbers = await this.#numbers(client);
    const copies = this.#some(numbers);
    const deletions = copies.map(({ uid }) => `DELE ${numbers.get(uid)}`);
    if (chance() < leavesShare) {
      if (chance() < 0.5) await this.#run(client, [...deletions, 'RSET', 'QUIT']);
      else await this.#run(client, deletions);
      return;
    }
    // All in one write: nobody else's command comes between the choice and QUIT.
    const attempt = this.#parts.ledger.begin({ kind: 'expunge', copies });
    const answers = await this.#run(client, [...deletions, 'QUIT']);
    const wrong = answers.find((answer) => !answer.startsWith('+OK'));
    if (wrong !== undefined) {
      this.#parts.refused(`QUIT: ${wrong}`);
      return;
    }
    this.quits++;
    this.faults.push(...this.#parts.ledger.done(attempt));
  }

  /** By UID. */
  async #numbers(client: WireClient): Promise<ReadonlyMap<number, number>> {
    const validity = this.#parts.ledger.boxes.get(this.#parts.inbox)!.uidValidity;
    const numbers = new Map<number, number>();
    await this.#ok(client, 'UIDL');
    for (;;) {
      const line = await heard(client);
      if (line === '.') return numbers;
      const [number, id] = line.split(' ');
      const [told, uid] = id!.split('.').map(Number);
      if (told !== validity) this.faults.push(`UIDL says ${line}, UIDVALIDITY is ${validity}`);
      numbers.set(uid!, Number(number));
    }
  }

  #some(numbers: ReadonlyMap<number, number>): Copy[] {
    const { ledger, chance, inbox } = this.#parts;
    const box = ledger.boxes.get(inbox)!;
    if (ledger.isBusy(box)) return [];
    const free = [...box.copies.values()].filter(
      (copy) => numbers.has(copy.uid) && !ledger.isBusy(copy) && !ledger.isHalfMoved(copy),
    );
    return free.filter(() => chance() < 0.3).slice(0, copiesMax);
  }

  async #ok(client: WireClient, command: string): Promise<void> {
    const [answer] = await this.#run(client, [command]);
    if (!answer!.startsWith('+OK')) throw new Error(`${command}: ${answer}`);
  }

  async #run(client: WireClient, commands: readonly string[]): Promise<string[]> {
    if (commands.length === 0) return [];
    client.send(Buffer.from(commands.map((command) => `${command}\r\n`).join('')));
    const answers: string[] = [];
    while (answers.length < commands.length) answers.push(await heard(client));
    return answers;
  }
}

async function heard(client: WireClient): Promise<string> {
  const line = await client.line();
  if (line === undefined) throw new Error('closed before the answer');
  return line;
}
