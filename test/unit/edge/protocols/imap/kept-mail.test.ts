/**
 * Aim: a client that keeps what it is told has the mailbox after each NOOP, flags and all, whatever other sessions do.
 *      One with QRESYNC can be away for a while and catches up. A message is \Recent to one session, and counted so.
 * Method: random commands of several sessions in memory, by UID and by their own numbers, against a plain list of
 *      messages; the clients count EXISTS, EXPUNGE and VANISHED and keep what FETCH tells. A failure prints the seed.
 * Specs:  RFC 9051 §7.4-7.5; RFC 7162 §3.2 (QRESYNC); RFC 3501 §2.3.2 (\Recent).
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ImapClient } from '../../../../support/imap-client.ts';
import { connectInMemory, FakeImap } from '../../../../support/imap-fakes.ts';
import { fetchItems, type Response } from '../../../../support/imap-values.ts';
import { flagsOf, uidsOf } from '../../../../support/mail-look.ts';
import { SeededRandom } from '../../../../support/seeded-clock.ts';

interface Message {
  readonly uid: number;
  readonly flags: Set<string>;
}

const allFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '$Work'];

/** What a client knows of a message; what it was not told of is not known. */
interface Kept {
  uid?: number;
  flags?: string;
  isRecent?: boolean;
}

/** A client that counts, and keeps what it is told. */
class Counting {
  readonly client: ImapClient;
  readonly isQresync: boolean;
  kept: Kept[] = [];
  /** UIDs it was ever told to be \Recent. */
  readonly recent = new Set<number>();
  isAway = true;
  #uidValidity = 0;
  #modseq = 0;

  constructor(client: ImapClient, isQresync: boolean) {
    this.client = client;
    this.isQresync = isQresync;
  }

  async begin(): Promise<void> {
    await this.client.response();
    await this.client.ok('LOGIN alice@local.test secret');
    if (this.isQresync) await this.client.ok('ENABLE QRESYNC');
    await this.run('SELECT INBOX');
    this.isAway = false;
  }

  async run(command: string, ...more: Buffer[]): Promise<Response> {
    const { tagged, untagged } = await this.client.run(command, ...more);
    for (const response of [...untagged, tagged]) this.#count(response, command);
    return tagged;
  }

  /** Goes, knowing all up to here. */
  async leave(): Promise<void> {
    await this.learn();
    await this.run('UNSELECT');
    this.isAway = true;
  }

  /** Is told what it missed, and nothing else. */
  async comeBack(): Promise<void> {
    const known = `${this.#uidValidity} ${this.#modseq}`;
    const count = this.kept.length;
    for (const one of this.kept) one.isRecent = false;
    const { untagged } = await this.client.ok(`SELECT INBOX (QRESYNC (${known}))`);
    const told = untagged.filter(({ name }) => name === 'VANISHED' || name === 'FETCH');
    for (const { name, values } of told) {
      if (name === 'VANISHED') this.#vanished(String(values.at(-1)));
    }
    assert.ok(this.kept.length <= count);
    const exists = untagged.find(({ name }) => name === 'EXISTS')!.number;
    while (this.kept.length < exists) this.kept.push({});
    for (const response of untagged) {
      if (response.name !== 'EXISTS' && response.name !== 'VANISHED') this.#count(response, '');
    }
    this.isAway = false;
  }

  /** NOOP, and what it was never told: from then on it knows the mailbox. */
  async learn(): Promise<void> {
    await this.run('NOOP');
    const first = this.kept.findIndex(({ uid, flags }) => uid === undefined || flags === undefined);
    if (first >= 0) await this.run(`FETCH ${first + 1}:* (UID FLAGS)`);
    const { untagged } = await this.client.ok('STATUS INBOX (RECENT)');
    const recent = this.kept.filter(({ isRecent }) => isRecent).length;
    assert.ok(untagged[0]!.raw.endsWith(`(RECENT ${recent})`), `${untagged[0]!.raw}: ${recent}`);
  }

  look(): string[] {
    return this.kept.map(({ uid, flags }) => `${uid} ${flags}`.trimEnd());
  }

  #count(response: Response, command: string): void {
    const { name, number, code } = response;
    const [word, value] = code.split(' ');
    if (word === 'UIDVALIDITY') this.#uidValidity = Number(value);
    if (word === 'HIGHESTMODSEQ') this.#modseq = Math.max(this.#modseq, Number(value));
    if (name === 'EXPUNGE') {
      assert.ok(!this.isQresync, 'EXPUNGE told where VANISHED is wanted');
      assert.ok(!/^(FETCH|STORE|SEARCH)/.test(command), `EXPUNGE told with ${command}`);
      assert.ok(number >= 1 && number <= this.kept.length, `EXPUNGE ${number}`);
      this.kept.splice(number - 1, 1);
    } else if (name === 'VANISHED') {
      assert.ok(!/^(FETCH|STORE|SEARCH)/.test(command), `VANISHED told with ${command}`);
      this.#vanished(String(response.values.at(-1)));
    } else if (name === 'EXISTS') {
      assert.ok(number >= this.kept.length, `EXISTS ${number} takes messages away`);
      while (this.kept.length < number) this.kept.push({});
    } else if (name === 'FETCH') this.#fetched(response);
  }

  #fetched(response: Response): void {
    const { number } = response;
    const items = fetchItems(response);
    const one = this.kept[number - 1];
    assert.ok(one !== undefined, `FETCH of ${number}, and there are ${this.kept.length}`);
    const uid = items.get('UID') as number | undefined;
    assert.ok(uid === undefined || one.uid === undefined || one.uid === uid, `${number} is ${uid}`);
    if (uid !== undefined) one.uid = uid;
    if (items.has('FLAGS')) {
      one.flags = flagsOf(items.get('FLAGS'));
      one.isRecent = (items.get('FLAGS') as readonly string[]).includes('\\Recent');
      if (one.isRecent && one.uid !== undefined) this.recent.add(one.uid);
    }
    const [modseq = 0] = (items.get('MODSEQ') ?? []) as readonly number[];
    this.#modseq = Math.max(this.#modseq, modseq);
  }

  /** One whose UID it was never told is among the last ones, and gone with the count. */
  #vanished(set: string): void {
    assert.ok(this.isQresync, 'VANISHED told to a client that did not ask for it');
    const gone = new Set(uidsOf(set));
    const known = this.kept.filter(({ uid }) => uid !== undefined && gone.delete(uid));
    this.kept = this.kept.filter((one) => !known.includes(one));
    for (let i = 0; i < gone.size; i++) {
      const at = this.kept.findIndex(({ uid }) => uid === undefined);
      if (at >= 0) this.kept.splice(at, 1);
    }
  }
}

class Model {
  messages: Message[] = [];
  uidNext = 1;

  add(flags: readonly string[] = []): void {
    this.messages.push({ uid: this.uidNext++, flags: new Set(flags) });
  }

  look(): string[] {
    return this.messages.map(({ uid, flags }) => `${uid} ${[...flags].sort().join(' ')}`.trimEnd());
  }
}

interface Play {
  readonly random: SeededRandom;
  readonly fake: FakeImap;
  readonly model: Model;
}

/** Names by UID what the model names too, once it was told of all. */
async function stepByUid(play: Play, session: Counting): Promise<void> {
  const { random, fake, model } = play;
  await session.run('NOOP');
  const { uidNext } = model;
  const first = 1 + random.below(uidNext);
  const last = first + random.below(3);
  const isNamed = ({ uid }: Message) => uid >= first && uid <= last;
  const kind = random.below(7);
  if (kind === 0) {
    await fake.world.deliver();
    model.add();
  } else if (kind === 1) {
    await session.run('APPEND INBOX (\\Seen) ', Buffer.from('Subject: x\r\n\r\ny\r\n'));
    model.add(['\\Seen']);
  } else if (kind === 2) {
    await session.run('EXPUNGE');
    model.messages = model.messages.filter(({ flags }) => !flags.has('\\Deleted'));
  } else if (kind === 3) {
    await session.run(`UID MOVE ${first}:${last} Archive`);
    model.messages = model.messages.filter((message) => !isNamed(message));
  } else if (kind === 4) {
    await session.run(`UID COPY ${first}:${last} INBOX`);
    for (const { flags } of model.messages.filter(isNamed)) model.add([...flags]);
  } else await store(play, session, 'UID STORE', `${first}:${last}`, isNamed);
}

/** Names by its own numbers, though others may have taken messages away that it still counts. */
async function stepByNumber(play: Play, session: Counting): Promise<void> {
  const { random, model } = play;
  const at = random.below(session.kept.length);
  const uid = session.kept[at]?.uid;
  if (uid === undefined) return;
  const isNamed = (message: Message) => message.uid === uid;
  const kind = random.below(4);
  if (kind === 0) {
    await session.run(`MOVE ${at + 1} Archive`);
    model.messages = model.messages.filter((message) => !isNamed(message));
  } else if (kind === 1) {
    await session.run(`COPY ${at + 1} INBOX`);
    for (const { flags } of model.messages.filter(isNamed)) model.add([...flags]);
  } else await store(play, session, 'STORE', `${at + 1}`, isNamed);
}

async function store(
  { random, model }: Play,
  session: Counting,
  command: string,
  set: string,
  isNamed: (message: Message) => boolean,
): Promise<void> {
  const flag = allFlags[random.below(allFlags.length)]!;
  const sign = ['+', '+', '-', ''][random.below(4)]!;
  const isSilent = random.below(2) === 0;
  await session.run(`${command} ${set} ${sign}FLAGS${isSilent ? '.SILENT' : ''} (${flag})`);
  for (const { uid, flags } of model.messages.filter(isNamed)) {
    if (sign === '') flags.clear();
    if (sign === '-') flags.delete(flag);
    else flags.add(flag);
    // RFC 9051 §6.4.6: who stores in silence keeps for itself what it stored.
    const kept = session.kept.find((one) => one.uid === uid);
    if (!isSilent || kept?.flags === undefined) continue;
    const known = new Set(sign === '' ? [] : kept.flags.split(' ').filter((one) => one !== ''));
    if (sign === '-') known.delete(flag);
    else known.add(flag);
    kept.flags = [...known].sort().join(' ');
  }
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  it(`what sessions keep is the mailbox (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    const play: Play = { random, fake: new FakeImap(), model: new Model() };
    const sessions: Counting[] = [];
    for (let i = 0; i < 4; i++) {
      const session = new Counting(connectInMemory(play.fake.service), i >= 2);
      await session.begin();
      sessions.push(session);
    }
    const one = () => sessions[random.below(sessions.length)]!;
    for (let at = 0; at < 150; at++) {
      const session = one();
      if (session.isAway) {
        if (random.below(4) === 0) await session.comeBack();
      } else if (session.isQresync && random.below(12) === 0) await session.leave();
      else if (random.below(3) === 0) await stepByNumber(play, session);
      else await stepByUid(play, session);
      const looker = one();
      if (looker.isAway) continue;
      // Its numbers are its own, whatever others expunged.
      const { length } = looker.kept;
      if (length > 0 && random.below(2) === 0) await looker.run(`FETCH 1:${length} (UID)`);
      if (random.below(3) > 0) continue;
      await looker.learn();
      assert.deepEqual(looker.look(), play.model.look(), `seed ${seed} step ${at}`);
    }
    for (const session of sessions) {
      if (session.isAway) await session.comeBack();
      await session.learn();
      assert.deepEqual(session.look(), play.model.look(), `seed ${seed} in the end`);
    }
    for (const { uid } of play.model.messages) {
      const told = sessions.filter(({ recent }) => recent.has(uid));
      assert.equal(told.length, 1, `seed ${seed}: ${uid} is recent to so many`);
    }
    for (const session of sessions) session.client.destroy();
  });
}
