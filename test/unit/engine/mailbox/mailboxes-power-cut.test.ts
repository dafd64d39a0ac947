/**
 * Aim: no acknowledged message is missing, doubled or changed after power cuts, and none that was expunged comes back.
 * Method: lives of a shard on the simulated disk, each cut at a random call; then the index is put back to any copy
 *         it ever committed, and what readers see is compared with what was promised. The seed is in the message.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeClock } from '../../../../src/adapters/node/clock.ts';
import { type MessageId, MessageIdSource, shardId } from '../../../../src/base/ids.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { Mailboxes } from '../../../../src/engine/mailbox/mailboxes.ts';
import { Shard } from '../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../simulation/seeded-chance.ts';
import { type Chance, SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { account, messageBytes, tenant } from './mailbox-world.ts';

const livesPerSeed = 6;
const seeds = 25;
const stepsPerLife = 12;

/** `open`: nobody knows whether the last thing asked for the message was done. */
type Fate = 'accepted' | 'expunged' | 'open';

class CutWorld {
  readonly chance: Chance;
  readonly ids = new MessageIdSource(nodeClock.nowMs, 3);
  /** By the text of the message. */
  readonly promised = new Map<string, Fate>();
  disk: SimulatedDisk;
  index = new RewindableIndex();
  #texts = 0;

  constructor(seed: number) {
    this.chance = seededChance(seed);
    this.disk = new SimulatedDisk(this.chance);
  }

  async live(): Promise<void> {
    const { disk, chance } = this;
    let callsLeft = Math.floor(40 + chance() * 250);
    const mailboxes = new Mailboxes({ clock: nodeClock });
    const shard = await Shard.open({
      id: shardId(0),
      folder: 'shard',
      disk,
      index: this.index,
      clock: nodeClock,
      random: seededRandom(chance),
      log: silentLog,
      kinds: mailboxes.kinds,
      limits: {
        segmentBytesMax: 24 * 1_024,
        indexDelayMs: 1,
        diskFreeBytesMin: 0,
        reserveBytes: 0,
      },
    });
    mailboxes.start(shard);
    await this.check(mailboxes);
    disk.plan = { onCall: () => callsLeft-- <= 0 };
    for (let step = 0; step < stepsPerLife && !disk.isOff; step++) {
      if (chance() < 0.75) await Promise.all([this.deliver(mailboxes), this.deliver(mailboxes)]);
      else await this.expunge(mailboxes);
    }
    this.disk = chance() < 0.25 ? disk.killProcess() : disk.cutPower();
    this.index = await this.index.copyAt(Math.floor(chance() * (this.index.commitCount + 1)));
    // Of the old life, which knows of no cut, nothing may reach the new one.
    await shard.close().catch(() => {});
  }

  async deliver(mailboxes: Mailboxes): Promise<void> {
    const text = `Text ${this.#texts++}.`;
    const id = this.ids.next();
    const isTaken = await this.#deliverOnce(mailboxes, id, text);
    this.promised.set(text, isTaken ? 'accepted' : 'open');
    // The sender did not hear, or asks again all the same.
    if (this.chance() < 0.3 && (await this.#deliverOnce(mailboxes, id, text))) {
      this.promised.set(text, 'accepted');
    }
  }

  async #deliverOnce(mailboxes: Mailboxes, id: MessageId, text: string): Promise<boolean> {
    const [outcome] = await mailboxes.deliver({
      id,
      tenant,
      sender: 's@x.test',
      receivedMs: nodeClock.nowMs(),
      targets: [{ account, recipient: 'u@a.test' }],
      parts: [messageBytes({ id: `${text.length}@x`, text })],
    });
    return outcome!.ok;
  }

  async expunge(mailboxes: Mailboxes): Promise<void> {
    const entries = mailboxes.reader.messages(account, 1, 1, 1_000);
    const entry = entries[Math.floor(this.chance() * entries.length)];
    if (entry === undefined) return;
    let text = '';
    try {
      text = await textOf(mailboxes, entry.document);
      this.promised.set(text, 'open');
      await mailboxes.expunge(account, tenant, 1, [entry.uid, entry.uid]);
      this.promised.set(text, 'expunged');
    } catch {
      assert.ok(this.disk.isOff, 'only a cut stops an expunge');
    }
  }

  async check(mailboxes: Mailboxes): Promise<void> {
    const seen = new Map<string, number>();
    for (const { document } of mailboxes.reader.messages(account, 1, 1, 1_000)) {
      const text = await textOf(mailboxes, document);
      seen.set(text, (seen.get(text) ?? 0) + 1);
    }
    for (const [text, fate] of this.promised) {
      const count = seen.get(text) ?? 0;
      if (fate === 'accepted') assert.equal(count, 1, `${text} accepted, there ${count} times`);
      if (fate === 'expunged') assert.equal(count, 0, `${text} came back`);
      assert.ok(count <= 1, `${text} doubled`);
      // What a check has seen stays so.
      if (fate === 'open') this.promised.set(text, count === 1 ? 'accepted' : 'expunged');
    }
    assert.equal(mailboxes.reader.mailbox(account, 1)?.messages ?? 0, seen.size);
  }
}

async function textOf(mailboxes: Mailboxes, document: number): Promise<string> {
  const bytes = await mailboxes.reader.bytes(mailboxes.reader.document(account, document)!);
  const match = /\r\n\r\n(Text \d+\.)\r\n$/.exec(Buffer.from(bytes).toString());
  assert.ok(match !== null, 'a message as it was sent');
  return match[1]!;
}

describe('mailboxes under power cuts', () => {
  it(`keep what was acknowledged through ${seeds * livesPerSeed} lives`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const world = new CutWorld(seed);
      try {
        for (let life = 0; life < livesPerSeed; life++) await world.live();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
