/**
 * What encryption at rest costs a message: delivered into an account, read whole, and its rows read.
 *
 * Method: mailboxes on a real shard over the real disk and LMDB, 1 kB messages in turns of 20; a shard without a vault,
 *         a clear account beside an encrypted one, and an encrypted account take turns in one process. CPU of the whole
 *         process per message, medians over rounds. `node bench/micro/vault.ts [rounds]`
 * Budget: nothing without a vault; 250 µs more for a delivery into an encrypted account.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { type AccountId, defaultTenant, MessageIdSource, shardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { Mailboxes } from '../../src/engine/mailbox/mailboxes.ts';
import { Shard } from '../../src/engine/store/shard.ts';
import { Vault } from '../../src/engine/store/vault/vault.ts';

const rounds = Number(process.argv[2] ?? 7);
const turns = 50;
const turnMessages = 20;
const ids = new MessageIdSource(nodeClock.nowMs, 7);
const text = `Subject: a message of a kilobyte\r\n\r\n${'A line of text.\r\n'.repeat(60)}`;
const folder = mkdtempSync('.bench-vault-');

interface Place {
  readonly mailboxes: Mailboxes;
  readonly shard: Shard;
  readonly account: AccountId;
  read: number;
}

async function openPlace(name: string, encrypted: number): Promise<Place> {
  const mailboxes = new Mailboxes({ clock: nodeClock });
  const vault = new Vault();
  if (encrypted > 0) vault.admit(encrypted, [{ version: 1, secret: nodeRandom.bytes(32) }]);
  const shard = await Shard.open({
    ...{ id: shardId(0), folder: `${folder}/${name}`, disk: nodeDisk, clock: nodeClock },
    ...{ random: nodeRandom, log: silentLog, kinds: mailboxes.kinds },
    index: openLmdbShardIndex({ path: `${folder}/${name}/index` }),
    limits: { diskFreeBytesMin: 0, reserveBytes: 0 },
    ...(encrypted > 0 ? { vault } : {}),
  });
  mailboxes.start(shard);
  return { mailboxes, shard, account: 1 as AccountId, read: 0 };
}

async function deliver({ mailboxes, account }: Place): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const all = Array.from({ length: turnMessages }, () =>
      mailboxes.deliver({
        ...{ id: ids.next(), tenant: defaultTenant, sender: 's@x.test' },
        receivedMs: nodeClock.nowMs(),
        targets: [{ account, recipient: 'u@a.test' }],
        parts: [Buffer.from(text)],
      }),
    );
    await Promise.all(all);
  }
}

/** The newest of the account, whole. */
async function readBodies({ mailboxes: { reader }, account, read }: Place): Promise<void> {
  const last = read + turns * turnMessages;
  for (const { document } of reader.messages(account, 1, read + 1, last)) {
    await reader.bytes(reader.document(account, document)!);
  }
}

/** What a listing of them reads. */
function readRows({ mailboxes: { reader }, account, read }: Place): void {
  const last = read + turns * turnMessages;
  for (const { document } of reader.messages(account, 1, read + 1, last)) {
    reader.document(account, document);
  }
}

async function cpuUs(work: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (turns * turnMessages);
}

const kinds = ['no vault', 'clear beside encrypted', 'encrypted'] as const;
const places = await Promise.all(kinds.map((name, i) => openPlace(name, [0, 2, 1][i]!)));
const taken = kinds.map(() => ({
  deliver: [] as number[],
  body: [] as number[],
  rows: [] as number[],
}));
for (let round = 0; round <= rounds; round++) {
  for (const [i, place] of places.entries()) {
    const deliverUs = await cpuUs(async () => {
      await deliver(place);
      await place.shard.writer.commitNow();
    });
    const bodyUs = await cpuUs(() => readBodies(place));
    const rowsUs = await cpuUs(() => readRows(place));
    place.read += turns * turnMessages;
    // The first round warms up.
    if (round === 0) continue;
    taken[i]!.deliver.push(deliverUs);
    taken[i]!.body.push(bodyUs);
    taken[i]!.rows.push(rowsUs);
  }
}
const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!.toFixed(1);
console.log('µs of CPU a message | deliver | read whole | rows');
for (const [i, name] of kinds.entries()) {
  const { deliver: delivered, body, rows } = taken[i]!;
  console.log(`${name} | ${median(delivered)} | ${median(body)} | ${median(rows)}`);
}
for (const { shard } of places) await shard.close();
rmSync(folder, { recursive: true });
