/**
 * Aim: whatever sessions on one mailbox do side by side, each of them can follow it: the numbers it is told agree with
 *      those it counts itself, and after a NOOP it sees what the mailbox holds.
 * Method: random commands of several sessions in memory against a plain list of messages; each client counts EXISTS
 *      and EXPUNGE as a mail program does. A failure prints the seed.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ImapSession } from '../../../../../src/edge/protocols/imap/session.ts';
import { ImapClient } from '../../../../support/imap-client.ts';
import { FakeImap } from '../../../../support/imap-fakes.ts';
import type { Response, Value } from '../../../../support/imap-values.ts';
import { SeededClock, SeededRandom, turns } from '../../../../support/seeded-clock.ts';

interface Message {
  readonly uid: number;
  readonly flags: Set<string>;
}

const allFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '$Work'];

/** A client that counts: UIDs by place, 0 where it has not learned one. */
class Counting {
  readonly client: ImapClient;
  /** Told of expunges between commands: it cannot name messages by number (RFC 5465 §5.3). */
  readonly isToldAtOnce: boolean;
  uids: number[] = [];

  constructor(client: ImapClient, isToldAtOnce: boolean) {
    this.client = client;
    this.isToldAtOnce = isToldAtOnce;
  }

  async run(command: string, ...more: Buffer[]): Promise<Response> {
    const { tagged, untagged } = await this.client.run(command, ...more);
    for (const response of untagged) this.#count(response, command);
    return tagged;
  }

  #count({ name, number, values }: Response, command: string): void {
    if (name === 'EXPUNGE') {
      const mayTell = this.isToldAtOnce || !/^(FETCH|STORE|SEARCH)/.test(command);
      assert.ok(mayTell, `EXPUNGE told with ${command}`);
      assert.ok(number >= 1 && number <= this.uids.length, `EXPUNGE ${number}`);
      this.uids.splice(number - 1, 1);
    } else if (name === 'EXISTS') {
      assert.ok(number >= this.uids.length, `EXISTS ${number} takes messages away`);
      while (this.uids.length < number) this.uids.push(0);
    } else if (name === 'FETCH') {
      const [items] = values as readonly (readonly Value[])[];
      const at = items!.indexOf('UID');
      if (at < 0) return;
      const uid = items![at + 1] as number;
      const known = this.uids[number - 1];
      assert.ok(known === 0 || known === uid, `${number} is ${known} and told as ${uid}`);
      this.uids[number - 1] = uid;
    }
  }

  /** What the mailbox holds, as this session sees it after a NOOP. */
  async look(): Promise<string[]> {
    await this.run('NOOP');
    const { untagged } = await this.client.run('FETCH 1:* (UID FLAGS)');
    return untagged
      .filter(({ name }) => name === 'FETCH')
      .map(({ values }) => {
        const [, uid, , flags] = (values as readonly (readonly Value[])[])[0]!;
        return `${uid} ${[...(flags as readonly string[])].sort().join(' ')}`;
      });
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

function connect(fake: FakeImap): ImapClient {
  const { client, far } = ImapClient.inMemory({ isLiteralPlus: true });
  const tls = { version: 'TLSv1.3', cipher: 'x' };
  const session = new ImapSession(
    fake.service,
    {
      get unsentBytes() {
        return far.writableLength;
      },
      canStartTls: false,
      write: (bytes) => void far.write(bytes),
      end: (bytes) => void far.end(bytes),
      destroy: () => far.destroy(),
      pause: () => far.pause(),
      resume: () => far.resume(),
      startTls: () => assert.fail('no TLS here'),
    },
    '192.0.2.1',
    tls,
  );
  far.on('data', (chunk: Buffer) => session.receive(chunk));
  far.on('drain', () => session.drained());
  far.on('close', () => session.closed());
  session.open();
  return client;
}

async function step(random: SeededRandom, session: Counting, fake: FakeImap, model: Model) {
  // What a session was not told of it does not name; the model names all there is.
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
  } else {
    const flag = allFlags[random.below(allFlags.length)]!;
    const isAdd = random.below(3) > 0;
    const silent = random.below(2) === 0 ? '.SILENT' : '';
    const set = `${first}:${last} ${isAdd ? '+' : '-'}FLAGS${silent} (${flag})`;
    await session.run(`UID STORE ${set}`);
    for (const { flags } of model.messages.filter(isNamed)) {
      if (isAdd) flags.add(flag);
      else flags.delete(flag);
    }
  }
}

/** How sessions hear of others: when they ask, or by NOTIFY. */
const ways = ['asked', 'at once', 'delayed', 'asked'] as const;
const events = {
  'at once': '(selected (MessageNew MessageExpunge FlagChange))',
  delayed: '(selected-delayed (MessageNew (UID) MessageExpunge))',
} as const;

for (const seed of [1, 2, 3, 4]) {
  it(`sessions side by side each follow the mailbox (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    const clock = new SeededClock();
    const fake = new FakeImap({}, clock);
    fake.hideRecent();
    const model = new Model();
    const sessions: Counting[] = [];
    for (const way of ways) {
      const session = new Counting(connect(fake), way === 'at once');
      await session.client.response();
      await session.client.ok('LOGIN alice@local.test secret');
      if (way === 'delayed') {
        await session.client.ok('COMPRESS DEFLATE');
        session.client.compress();
      }
      await session.run('SELECT INBOX');
      if (way !== 'asked') await session.run(`NOTIFY SET ${events[way]}`);
      sessions.push(session);
    }
    for (let at = 0; at < 120; at++) {
      const session = sessions[random.below(sessions.length)]!;
      await step(random, session, fake, model);
      clock.advance(60);
      await turns(3);
      const looker = sessions[random.below(sessions.length)]!;
      const mayName = looker.uids.length > 0 && !looker.isToldAtOnce;
      const isByNumber = random.below(2) === 0 && mayName;
      // Its numbers are its own, whatever others expunged.
      if (isByNumber) await looker.run(`FETCH 1:${looker.uids.length} (UID)`);
      if (random.below(3) === 0) {
        assert.deepEqual(
          (await looker.look()).map((row) => row.trimEnd()),
          model.look(),
          `seed ${seed} step ${at}`,
        );
        const uids = model.messages.map(({ uid }) => uid);
        assert.equal(looker.uids.length, uids.length, `seed ${seed} step ${at}`);
      }
    }
    for (const { client } of sessions) client.destroy();
  });
}
