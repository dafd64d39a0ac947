/**
 * Runs scripts of accounts as their people change mailboxes: APPEND, COPY, MOVE and STORE.
 *
 * Runs in:   the engine thread that owns the shard; after the answer to who did it, one message a turn.
 * Specs:     RFC 6785.
 * Limits:    `eventsPerActMax` messages of one command, `waitingMax` waiting, `waitingPerAccountMax` of them of one
 *            account: of those beyond, none is run, and the log says how many. Of a message over `textBytesMax`, tests see
 *            its beginning, and it goes on to nobody.
 * Invariant: what a script does sets off no script. Its mail is on its way before the message is moved or expunged:
 *            killed between the two, it was sent and the message is still there; killed before, nothing happened, and
 *            the script does not run again.
 */

import type { Log } from '../../../base/log.ts';
import { mebibyte } from '../../../base/units.ts';
import { SieveMessage } from '../../../mail/sieve/message/message.ts';
import type { Script } from '../../../mail/sieve/run/machine.ts';
import { runScripts } from '../../../mail/sieve/run/run.ts';
import type { Clock } from '../../../ports/clock.ts';
import { annotationRange } from '../../store/keys.ts';
import type { FilingWatch, FlagsChanged } from '../filing-watch.ts';
import type { MailboxShard } from '../mailbox-shard.ts';
import type { Mailboxes } from '../mailboxes.ts';
import { annotationsOf } from '../rows/annotation-row.ts';
import { countOf, type IdRanges } from '../rows/uid-ranges.ts';
import type { Owner } from '../tree.ts';
import { type HostParts, type ImapEvent, sieveHost } from './host.ts';
import type { Happened, ImapActions } from './imap-actions.ts';

const eventsPerActMax = 1_000;
const waitingMax = 10_000;
/** Several keep nobody else from having scripts run. */
const waitingPerAccountMax = 2_000;
const textBytesMax = mebibyte;

/** RFC 6785 §2.2.3: of a mailbox, else of all. */
const scriptEntry = '/shared/imapsieve/script';

export interface ImapScriptsParts extends HostParts {
  readonly shard: () => MailboxShard;
  readonly mailboxes: Mailboxes;
  /** An account's script of that name; undefined: there is none, or it does not compile any more. */
  readonly scriptOf: (account: number, name: string) => Script | undefined;
  readonly actions: ImapActions;
  /** An address of the account; undefined: it has none any more. */
  readonly addressOf: (account: number) => Promise<string | undefined>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

interface Waiting {
  readonly owner: Owner;
  readonly mailbox: number;
  readonly uid: number;
  readonly script: string;
  readonly event: Pick<ImapEvent, 'cause' | 'changedFlags'>;
}

export class ImapScripts implements FilingWatch {
  readonly #parts: ImapScriptsParts;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;
  #isClosed = false;

  constructor(parts: ImapScriptsParts) {
    this.#parts = parts;
  }

  filed(owner: Owner, _from: number, target: number, uids: IdRanges): void {
    this.#happened(owner, target, uids, { cause: 'COPY', changedFlags: [] });
  }

  appended(owner: Owner, mailbox: number, uids: IdRanges): void {
    this.#happened(owner, mailbox, uids, { cause: 'APPEND', changedFlags: [] });
  }

  flagged(owner: Owner, mailbox: number, uids: IdRanges, changes: readonly FlagsChanged[]): void {
    const changedFlags = [...new Set(changes.flatMap(({ flags }) => flags))];
    this.#happened(owner, mailbox, uids, { cause: 'FLAG', changedFlags });
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
  }

  #happened(owner: Owner, mailbox: number, uids: IdRanges, event: Waiting['event']): void {
    if (uids.length === 0) return;
    const script = this.#scriptName(owner.account, mailbox);
    if (script === '') return;
    const own = this.#waiting.filter((one) => one.owner.account === owner.account).length;
    const left = Math.min(waitingPerAccountMax - own, waitingMax - this.#waiting.length);
    const room = Math.min(eventsPerActMax, left);
    let taken = 0;
    for (let at = 0; at < uids.length; at += 2) {
      for (let uid = uids[at]!; uid <= uids[at + 1]! && taken < room; uid++, taken++) {
        this.#waiting.push({ owner, mailbox, uid, script, event });
      }
    }
    const passed = countOf(uids) - taken;
    if (passed > 0) {
      const facts = { account: owner.account, mailbox, messages: passed };
      this.#parts.log.warn(facts, 'too many messages at once: no script is run on some');
    }
    if (this.#isRunning || this.#waiting.length === 0) return;
    this.#isRunning = true;
    void this.#runAll();
  }

  /** "": none. */
  #scriptName(account: number, mailbox: number): string {
    for (const place of [mailbox, 0]) {
      const range = annotationRange(account, place, 0, scriptEntry);
      const [found] = annotationsOf(this.#parts.shard().range(range));
      if (found !== undefined) return Buffer.from(found.value).toString('utf8');
    }
    return '';
  }

  async #runAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      await new Promise((resolve) => setImmediate(resolve));
      const one = this.#waiting.shift();
      if (one === undefined) break;
      try {
        await this.#run(one);
      } catch (error) {
        const facts = { account: one.owner.account, mailbox: one.mailbox, error };
        this.#parts.log.warn(facts, 'what a script of a mailbox wants could not be done');
      }
    }
    this.#isRunning = false;
  }

  async #run({ owner, mailbox, uid, script: name, event }: Waiting): Promise<void> {
    const { mailboxes, clock, log } = this.#parts;
    const { account } = owner;
    const script = this.#parts.scriptOf(account, name);
    if (script === undefined) return;
    const user = await this.#parts.addressOf(account);
    if (user === undefined) return;
    const [entry] = mailboxes.reader.messages(account, mailbox, uid, 1);
    const row = entry?.uid === uid ? mailboxes.reader.document(account, entry.document) : undefined;
    if (entry === undefined || row === undefined) return;
    const text = await mailboxes.reader.bytes(row, textBytesMax);
    const nowMs = clock.nowMs();
    const path = mailboxes.names.of(account).path(mailbox);
    const facts = {
      ...{ account, sender: user, recipient: user, user, nowMs },
      event: { ...event, mailbox: path, flags: entry.flags },
    };
    const host = sieveHost(this.#parts, facts, {});
    const outcome = runScripts([script], new SieveMessage(text, row.size), host);
    if (outcome.fault !== undefined) {
      const { line, message } = outcome.fault;
      log.info({ account, line, fault: message }, 'a script failed: the message stays');
      return;
    }
    const happened: Happened = {
      ...{ owner, mailbox, uid, user, text, nowMs, flags: entry.flags },
      isWhole: text.byteLength === row.size,
    };
    await this.#parts.actions.do(happened, outcome, host.lists);
  }
}
