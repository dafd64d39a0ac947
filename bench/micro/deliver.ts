/**
 * What one local delivery costs: scan, decision, journal record, index rows.
 *
 * Method: a real shard on disk with LMDB takes 3 kB messages for 100 accounts, in parcels; CPU of this thread and of
 *         the whole process per message. `node bench/micro/deliver.ts [seconds]`
 * Budget: 250 µs of the engine thread per message.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { type AccountId, defaultTenant, MessageIdSource, shardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { Mailboxes } from '../../src/engine/mailbox/mailboxes.ts';
import { Shard } from '../../src/engine/store/shard.ts';

const seconds = Number(process.argv[2] ?? 5);
const accounts = 100;
const bodyText = 'A line of ordinary text in an ordinary message, as people write them.\r\n'.repeat(
  34,
);

function message(number: number): Buffer {
  return Buffer.from(
    `Received: from client.example ([192.0.2.7])\r\n\tby mx.example with ESMTP id 01HZX${number};\r\n` +
      '\tSun, 22 Nov 2026 02:50:00 +0000\r\n' +
      `From: "Sender Number ${number % 50}" <s${number % 50}@sender.example>\r\n` +
      `To: "Somebody" <user${number % accounts}@here.example>\r\n` +
      `Subject: Report number ${number}\r\nDate: Sun, 22 Nov 2026 02:50:00 +0000\r\n` +
      `Message-ID: <${number}.bench@sender.example>\r\nMIME-Version: 1.0\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${bodyText}`,
  );
}

async function run(parcel: number): Promise<void> {
  const folder = mkdtempSync('.bench-deliver-');
  mkdirSync(`${folder}/index`);
  const mailboxes = new Mailboxes({ clock: nodeClock });
  const shard = await Shard.open({
    id: shardId(0),
    folder,
    disk: nodeDisk,
    index: openLmdbShardIndex({ path: `${folder}/index` }),
    clock: nodeClock,
    random: nodeRandom,
    log: silentLog,
    kinds: mailboxes.kinds,
  });
  mailboxes.start(shard);
  const ids = new MessageIdSource(nodeClock.nowMs, 7);
  const bodies = Array.from({ length: 2_000 }, (_, number) => message(number));
  let count = 0;
  const deliverParcel = () => {
    const outcomes = [];
    for (let i = 0; i < parcel; i++) {
      const number = count++;
      const account = (1 + (number % accounts)) as AccountId;
      outcomes.push(
        mailboxes.deliver({
          id: ids.next(),
          tenant: defaultTenant,
          sender: 's@sender.example',
          receivedMs: nodeClock.nowMs(),
          targets: [{ account, recipient: `user${account}@here.example` }],
          parts: [bodies[number % bodies.length]!],
        }),
      );
    }
    return Promise.all(outcomes);
  };
  for (let i = 0; i < 40; i++) await deliverParcel();
  const startCount = count;
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1_000) await deliverParcel();
  const elapsedMs = performance.now() - startMs;
  const threadUsed = process.threadCpuUsage(thread);
  const used = process.cpuUsage(cpu);
  const delivered = count - startCount;
  const micros = (u: NodeJS.CpuUsage) => ((u.user + u.system) / delivered).toFixed(0);
  console.log(
    `parcel ${parcel}: ${((delivered / elapsedMs) * 1_000).toFixed(0)} messages/s, ` +
      `engine thread ${micros(threadUsed)} µs/message, process ${micros(used)} µs/message`,
  );
  await shard.close();
  rmSync(folder, { recursive: true });
}

for (const parcel of [1, 10, 50]) await run(parcel);
