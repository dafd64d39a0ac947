/** A mailbox world with the desk that answers IMAP and POP3 sessions, and asks written short. */

import type { Answer, Handlers } from '../../../../../src/actors/ask.ts';
import {
  type FetchCursor,
  type Fetched,
  fetchItems,
  imapAsks,
  type MailboxChange,
  type PackedOwner,
  type PackedRead,
  type PackedSection,
  type PackedView,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { Stamps, stampWords } from '../../../../../src/actors/stamps.ts';
import { Watched, watchedWords } from '../../../../../src/actors/watched.ts';
import { appendHandler } from '../../../../../src/engine/bodies/append-handler.ts';
import { BodyTurns } from '../../../../../src/engine/bodies/body-turns.ts';
import { IncomingBodies } from '../../../../../src/engine/bodies/incoming-bodies.ts';
import { largeBodyLimits } from '../../../../../src/engine/bodies/limits.ts';
import { ChangeNotices } from '../../../../../src/engine/mailbox/change-notices.ts';
import { mailboxHandlers } from '../../../../../src/engine/mailbox/handlers.ts';
import { ImapDesk } from '../../../../../src/engine/mailbox/imap/desk.ts';
import { imapHandlers } from '../../../../../src/engine/mailbox/imap/handlers.ts';
import { pop3Handlers } from '../../../../../src/engine/mailbox/pop3/handlers.ts';
import { stampChanges } from '../../../../../src/engine/mailbox/stamping.ts';
import type { OpenShard } from '../../../../../src/engine/shards.ts';
import type { Clock } from '../../../../../src/ports/clock.ts';
import { carried } from '../../../../support/carried.ts';
import { SeededClock } from '../../../../support/seeded-clock.ts';
import { account, MailboxWorld, tenant } from '../mailbox-world.ts';

export const owner: PackedOwner = [account, tenant, 0];

export class ImapWorld extends MailboxWorld {
  readonly desk = new ImapDesk(this.shard, this.mailboxes, this.clock);
  readonly watched = watchedWords();
  readonly stamps = new Stamps(stampWords());
  /** Gets the notices of watched accounts. */
  heard: (change: MailboxChange) => void = () => {};
  readonly #opened = { imap: this.desk, store: this.shard } as unknown as OpenShard;
  readonly incoming = new IncomingBodies({
    shardOf: () => this.#opened,
    clock: this.clock,
    limits: largeBodyLimits,
  });
  readonly handlers: Handlers = {
    ...mailboxHandlers({ mailboxesOf: () => this.mailboxes }),
    ...this.incoming.handlers(),
    ...pop3Handlers(() => this.desk),
    ...imapHandlers(
      () => this.desk,
      appendHandler({
        shardOf: () => this.#opened,
        incoming: this.incoming,
        whole: new BodyTurns(largeBodyLimits.wholeBytesMax),
        clock: this.clock,
      }),
    ),
  };

  /** Notices are joined by `clock`. */
  constructor(clock: Clock = new SeededClock()) {
    super();
    const notices = new ChangeNotices({
      clock,
      watched: new Watched(this.watched),
      reader: this.desk.reader,
      shard: this.shard,
      notice: (change) => this.heard(change),
    });
    this.shard.onChanges = (changes) => stampChanges(this.stamps, changes);
    this.changed = (of, mailbox) => notices.changed(of, mailbox);
    this.desk.opened = (of, mailbox) => notices.opened(of, mailbox);
  }

  /** On behalf of the account itself. */
  ask(name: string, meta: unknown, body?: Uint8Array): Promise<Answer> {
    return this.carry(name, [account, tenant, meta] satisfies PackedRead, body);
  }

  /** An ask as it travels. */
  carry(name: string, meta: unknown, body?: Uint8Array): Promise<Answer> {
    return carried(this.handlers, account, name, meta, body);
  }

  /** The answer's value, and its body as text. */
  async value<T>(
    name: string,
    meta: unknown,
    body?: Uint8Array,
  ): Promise<{ readonly value: T; readonly text: string }> {
    const answer = await this.ask(name, meta, body);
    if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
    return { value: answer.value as T, text: Buffer.from(answer.body ?? '').toString('latin1') };
  }

  /** What a session that looks now believes. */
  now(mailbox = 1): PackedView {
    const row = this.reader.mailbox(account, mailbox)!;
    return [mailbox, row.highestModseq, row.uidNext];
  }

  /** A whole FETCH, window after window. */
  async fetch(
    set: readonly number[],
    items: readonly (keyof typeof fetchItems)[],
    more: {
      readonly sections?: readonly PackedSection[];
      readonly view?: PackedView;
      readonly isUid?: boolean;
      readonly marksSeen?: boolean;
    } = {},
  ): Promise<{ readonly text: string; readonly windows: number; readonly value: Fetched }> {
    const { sections = [], view = this.now(), isUid = true, marksSeen = false } = more;
    const bits = items.reduce((sum, item) => sum | fetchItems[item], 0);
    let cursor: FetchCursor = [0, 0, 0, 0];
    let text = '';
    for (let windows = 1; ; windows++) {
      const meta = [owner, view, isUid, set, bits, sections, marksSeen, view[1], cursor, -1];
      const answer = await this.value<Fetched>(imapAsks.fetch, meta);
      text += answer.text;
      if (answer.value.next === undefined) return { text, windows, value: answer.value };
      cursor = answer.value.next;
    }
  }
}

export function section(label: string, more: Partial<Section> = {}): PackedSection {
  const { part = '', text = '', fields = [], offset = -1, length = -1 } = more;
  return [label, part, text, fields, offset, length];
}

interface Section {
  readonly part: string;
  readonly text: PackedSection[2];
  readonly fields: readonly string[];
  readonly offset: number;
  readonly length: number;
}
