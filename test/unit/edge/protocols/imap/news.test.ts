/**
 * Aim: a session is told of changes when it may be: as they come while it idles, one look at a time, never into a
 *      command's responses, and not while its client leaves too much unread.
 * Method: a session and a dialogue that only note what is wanted of them; looks are answered by hand.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  imapAsks,
  type MailboxChange,
  type Synced,
} from '../../../../../src/actors/asks/imap-asks.ts';
import { RecentClaims } from '../../../../../src/edge/notices/recent-claims.ts';
import type { CommandEnd } from '../../../../../src/edge/protocols/imap/answers.ts';
import {
  News,
  type NewsDialogue,
  type NewsSession,
} from '../../../../../src/edge/protocols/imap/news.ts';
import type { SelectedMailbox } from '../../../../../src/edge/protocols/imap/selected.ts';
import type { NotifyCommand } from '../../../../../src/mail/wire/imap/parse-notify.ts';
import { ResponseWriter } from '../../../../../src/mail/wire/imap/response.ts';
import { turns } from '../../../../support/seeded-clock.ts';
import { fakeAccounts } from '../../../../support/smtp-fakes.ts';

const owner = fakeAccounts[0]!;

function selectedAt(modseq: number, count: number): SelectedMailbox {
  return {
    ...{ owner, mailbox: 1, name: 'INBOX', isReadOnly: false, keywordCount: 0, saved: [] },
    ...{ modseq, flagModseq: modseq, uidNext: count + 1, count, contexts: [], ownEntries: 0 },
    ...{ isStale: false, isHalfTold: false, stamp: undefined },
  };
}

/** `by` messages came since `fromModseq`. */
function arrival(fromModseq: number, messages: number, more: Partial<MailboxChange> = {}) {
  const modseq = fromModseq + 1;
  const change = { account: owner.id, mailbox: 1, fromModseq, modseq, messages };
  return { ...change, uidNext: messages + 1, isArrivalOnly: true, ...more };
}

class Desk {
  text = '';
  isFull = false;
  isAtRest = true;
  /** Looks that wait for their answer. */
  readonly looks: ((synced: Synced) => void)[] = [];
  readonly ended: [tag: string, end: CommandEnd][] = [];
  readonly news: News;
  selected: SelectedMailbox | undefined = selectedAt(10, 3);

  constructor() {
    const desk = this;
    const writer = new ResponseWriter();
    const send = (octets: Uint8Array) => {
      this.text += Buffer.from(octets).toString('latin1');
    };
    const session = {
      get selected() {
        return desk.selected;
      },
      ...{ account: owner, owner, isOpen: true, isEnded: false, isCondstore: false },
      ...{ isQresync: false, isUidOnly: false, isMetadata: false },
      service: {
        policy: { limits: { notifiedMailboxesMax: 10 } },
        kept: { stampOf: () => 1 },
        // Somebody else was told of all before.
        notices: { recent: new RecentClaims() },
      },
      mustWait: () => this.isFull,
      send,
      respond: (write: (to: ResponseWriter) => void) => {
        write(writer);
        for (const piece of writer.take()) send(piece);
      },
      ask: (name: string) => {
        assert.equal(name, imapAsks.sync);
        return new Promise((resolve) => this.looks.push((value) => resolve({ ok: true, value })));
      },
      room: () => undefined,
      bye: (text: string) => send(Buffer.from(`* BYE ${text}\r\n`)),
      failed: (error: unknown) => assert.fail(String(error)),
    };
    const dialogue: NewsDialogue = {
      get isAtRest() {
        return desk.isAtRest;
      },
      get isBusy() {
        return !desk.isAtRest;
      },
      expectDone: () => {},
      hold: () => {
        this.isAtRest = false;
      },
      goOn: () => {
        this.isAtRest = true;
        this.news.rested();
      },
      answer: (tag, end) => this.ended.push([tag, end]),
    };
    this.news = new News(session as unknown as NewsSession, dialogue);
  }

  /** The oldest look finds so many messages at this modseq. */
  async found(modseq: number, count: number): Promise<void> {
    this.looks.shift()!({ modseq, flagModseq: modseq, uidNext: count + 1, count, isMore: false });
    await turns(1);
  }

  async notify(): Promise<void> {
    const group = { filter: 'SELECTED', mailboxes: [], events: 7, fetch: [] };
    const command = { groups: [group], isStatus: false, isUnknown: false };
    assert.equal(await this.news.notify(command as unknown as NotifyCommand), 'begun');
  }
}

describe('a client that idles', () => {
  it('is told that messages came from the notice alone', () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.news.changed(arrival(10, 4));
    desk.news.changed(arrival(11, 6));
    assert.equal(desk.text, '* 4 EXISTS\r\n* 6 EXISTS\r\n');
    assert.equal(desk.looks.length, 0);
    assert.deepEqual([desk.selected?.count, desk.selected?.uidNext], [6, 7]);
  });

  it('has it looked what else changed, once however many notices come meanwhile', async () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.news.changed(arrival(10, 3, { isArrivalOnly: false }));
    desk.news.changed(arrival(11, 4));
    desk.news.changed(arrival(12, 5));
    assert.deepEqual([desk.looks.length, desk.text], [1, '']);
    await desk.found(12, 4);
    assert.equal(desk.looks.length, 1, 'what came while it was looked');
    await desk.found(13, 5);
    assert.equal(desk.looks.length, 0);
  });

  it('hears the end of IDLE after what was being told', async () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.news.changed(arrival(10, 3, { isArrivalOnly: false }));
    desk.news.doneIdling(true);
    assert.equal(desk.ended.length, 0);
    await desk.found(11, 3);
    assert.equal(desk.ended.map(([tag]) => tag).join(), 'a1');
    assert.equal(desk.news.isIdling, false);
  });

  it('is told once it has read what it left unread', async () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.isFull = true;
    desk.news.changed(arrival(10, 4));
    assert.deepEqual([desk.looks.length, desk.text], [0, '']);
    desk.isFull = false;
    desk.news.look();
    assert.equal(desk.looks.length, 1);
  });

  it('is told of notices of its own mailbox alone, and of none twice', () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.news.changed(arrival(10, 9, { mailbox: 2 }));
    desk.news.changed(arrival(9, 3));
    assert.deepEqual([desk.text, desk.looks.length, desk.selected?.isStale], ['', 0, false]);
  });

  it('is told that the server is there, and has it looked, when nothing was said for long', () => {
    const desk = new Desk();
    desk.news.idle('a1');
    desk.news.quiet();
    assert.match(desk.text, /^\* OK Still here\r\n$/);
    assert.equal(desk.looks.length, 1);
  });
});

describe('a client that asked for events', () => {
  it('is told between commands, not within one', async () => {
    const desk = new Desk();
    await desk.notify();
    desk.isAtRest = false;
    desk.news.changed(arrival(10, 4));
    assert.equal(desk.looks.length, 0);
    desk.isAtRest = true;
    desk.news.rested();
    assert.equal(desk.looks.length, 1);
    assert.equal(desk.isAtRest, false, 'commands wait');
    await desk.found(11, 4);
    assert.equal(desk.isAtRest, true);
  });

  it('is told nothing any more once the session ended', async () => {
    const desk = new Desk();
    await desk.notify();
    desk.news.end();
    desk.news.changed(arrival(10, 4));
    desk.news.rested();
    assert.deepEqual([desk.looks.length, desk.text], [0, '']);
  });
});

it('a client that does neither is told with its next command', async () => {
  const desk = new Desk();
  desk.news.changed(arrival(10, 4));
  assert.deepEqual([desk.looks.length, desk.text, desk.selected?.isStale], [0, '', true]);
  const told = desk.news.tell(false);
  await desk.found(11, 4);
  await told;
  assert.equal(desk.selected?.isHalfTold, true, 'expunges were not told');
});
