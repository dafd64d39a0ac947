/**
 * Aim: whatever happens to the disk, a delivery's copy in the mailbox, its copy sent on and what it remembers are all
 *      there or none of them; what was acknowledged is there, and nothing is doubled.
 * Method: lives of a shard on the simulated disk, each cut at a random call; then the index is put back to any copy it
 *         ever committed. What scripts send has rows of its own. The seed is in the message.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeClock } from '../../../../../src/adapters/node/clock.ts';
import { type MessageId, MessageIdSource, shardId } from '../../../../../src/base/ids.ts';
import { silentLog } from '../../../../../src/base/log.ts';
import { Mailboxes } from '../../../../../src/engine/mailbox/mailboxes.ts';
import { unpackAccepted } from '../../../../../src/engine/spool/records.ts';
import type { JournalRecord } from '../../../../../src/engine/store/record.ts';
import { Shard } from '../../../../../src/engine/store/shard.ts';
import { RewindableIndex } from '../../../../simulation/rewindable-index.ts';
import { seededChance, seededRandom } from '../../../../simulation/seeded-chance.ts';
import { type Chance, SimulatedDisk } from '../../../../simulation/simulated-disk.ts';
import { account, messageBytes, tenant } from '../mailbox-world.ts';
import { sieveOn } from './sieve-world.ts';

const livesPerSeed = 5;
const seeds = 15;
const stepsPerLife = 8;
const sentTable = 0x7f;
const everySent = { from: Buffer.of(sentTable), to: Buffer.of(sentTable + 1) };

/** Once each message is seen; all of it goes on, and stays. */
const source = `require ["copy", "duplicate", "fileinto", "mailbox"];
if duplicate { fileinto "Trash"; stop; }
redirect :copy "elsewhere@y.test";
fileinto :create "Lists";`;

/** A row for each message accepted: by its id, its text. */
const acceptedKind = {
  type: 20,
  name: 'spool.accepted',
  apply: (record: JournalRecord) => {
    const [id] = unpackAccepted(record);
    return [
      { put: Buffer.concat([Buffer.of(sentTable), Buffer.from(id)]), value: Buffer.from(id) },
    ];
  },
};

class CutWorld {
  readonly chance: Chance;
  readonly ids = new MessageIdSource(nodeClock.nowMs, 3);
  /** How many were acknowledged, and how many nobody knows of. */
  accepted = 0;
  open = 0;
  disk: SimulatedDisk;
  index = new RewindableIndex();
  #texts = 0;

  constructor(seed: number) {
    this.chance = seededChance(seed);
    this.disk = new SimulatedDisk(this.chance);
  }

  async live(): Promise<void> {
    const { disk, chance } = this;
    let callsLeft = Math.floor(5 + chance() * 45);
    const mailboxes = new Mailboxes({ clock: nodeClock });
    const shard = await Shard.open({
      ...{ id: shardId(0), folder: 'shard', disk, index: this.index, clock: nodeClock },
      ...{ random: seededRandom(chance), log: silentLog },
      kinds: [...mailboxes.kinds, acceptedKind],
      limits: {
        ...{ segmentBytesMax: 24 * 1_024, indexDelayMs: 1 },
        ...{ diskFreeBytesMin: 0, reserveBytes: 0 },
      },
    });
    mailboxes.start(shard);
    const { shelf } = sieveOn({ mailboxes, shard, clock: nodeClock, ids: this.ids });
    this.check(mailboxes, shard);
    if (shelf.active(account) === undefined) {
      await shelf.put({ account, tenant }, 'main', Buffer.from(source));
      await shelf.activate({ account, tenant }, 'main');
    }
    disk.plan = { onCall: () => callsLeft-- <= 0 };
    for (let step = 0; step < stepsPerLife && !disk.isOff; step++) {
      await Promise.all([this.deliver(mailboxes), this.deliver(mailboxes)]);
    }
    this.disk = chance() < 0.25 ? disk.killProcess() : disk.cutPower();
    this.index = await this.index.copyAt(Math.floor(chance() * (this.index.commitCount + 1)));
    await shard.close().catch(() => {});
  }

  async deliver(mailboxes: Mailboxes): Promise<void> {
    const text = `Text ${this.#texts++}.`;
    const id = this.ids.next();
    let isTaken = await this.#deliverOnce(mailboxes, id, text);
    // The sender did not hear, or asks again all the same.
    if (this.chance() < 0.3 && (await this.#deliverOnce(mailboxes, id, text))) isTaken = true;
    if (isTaken) this.accepted++;
    else this.open++;
  }

  async #deliverOnce(mailboxes: Mailboxes, id: MessageId, text: string): Promise<boolean> {
    const [outcome] = await mailboxes.deliver({
      ...{ id, tenant, sender: 's@x.test', receivedMs: nodeClock.nowMs() },
      targets: [{ account, recipient: 'u@a.test' }],
      parts: [messageBytes({ id: `${text.replace(/\D/g, '')}@x`, text })],
    });
    return outcome!.ok;
  }

  check({ reader }: Mailboxes, shard: Shard): void {
    const rows = reader.mailboxes(account);
    const countOf = (name: string) => rows.find(({ row }) => row.name === name)?.row.messages ?? 0;
    const filed = countOf('Lists') + countOf('INBOX');
    assert.equal(shard.range(everySent).length, filed, 'as many sent on as are filed');
    assert.equal(countOf('Trash'), 0, 'no message was seen twice');
    assert.ok(filed >= this.accepted, `${this.accepted} accepted, ${filed} there`);
    assert.ok(filed <= this.accepted + this.open, 'none doubled');
    // What a check has seen stays so.
    this.accepted = filed;
    this.open = 0;
  }
}

describe('deliveries with scripts under power cuts', () => {
  it(`do all or nothing through ${seeds * livesPerSeed} lives`, async () => {
    let accepted = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const world = new CutWorld(seed);
      try {
        for (let life = 0; life < livesPerSeed; life++) await world.live();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      accepted += world.accepted;
    }
    assert.ok(accepted > 100, `${accepted} deliveries were acknowledged`);
  });
});
