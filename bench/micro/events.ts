/**
 * What the event log costs a message, and what a trace takes.
 *
 * Method: two events a message (accepted, delivered), as a relay has them, into a log on the real disk, in turns of
 *         20 messages; CPU of this thread and of the whole process per message, footers and syncs included. Then
 *         traces by id and by address over all it wrote. `node bench/micro/events.ts [seconds]`
 * Budget: 10 µs per message.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { type MessageId, MessageIdSource } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { gibibyte, hourMs } from '../../src/base/units.ts';
import { EventLog } from '../../src/engine/events/event-log.ts';
import { searchKeyOf } from '../../src/engine/events/frames.ts';
import { entriesMax, KeyIndex } from '../../src/engine/events/key-index.ts';

const seconds = Number(process.argv[2] ?? 5);
const turnMessages = 20;

const folder = mkdtempSync('.bench-events-');
const log = new EventLog({
  folder,
  shard: 0,
  disk: nodeDisk,
  clock: nodeClock,
  log: silentLog,
  keep: async () => ({ keepMs: hourMs, bytesMax: gibibyte }),
});
log.start();
const ids = new MessageIdSource(nodeClock.nowMs, 7);
const sent: MessageId[] = [];
const senders = names(50, 'sender', 'example.org');
const recipients = names(10_000, 'user', 'example.com');

function names(count: number, name: string, domain: string): string[] {
  return Array.from({ length: count }, (_, number) => `${name}${number}@${domain}`);
}

async function turn(): Promise<void> {
  for (let i = 0; i < turnMessages; i++) {
    const id = ids.next();
    const number = sent.push(id);
    const sender = senders[number % senders.length]!;
    const to = [recipients[number % recipients.length]!];
    const nowMs = nodeClock.nowMs();
    log.append([0, nowMs, id, 0, sender, to, 1_024, 1, 'smtp', 'ESMTP', '192.0.2.7', 'a.test', '']);
    const reply = '250 2.0.0 Ok: queued as 4XyzAbCdEfG';
    log.append([1, nowMs, id, 0, sender, to, 'mx.example.com', '192.0.2.25', reply, 1, 0]);
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The same without the log: ids, strings and turns are not its cost. */
async function emptyTurn(): Promise<void> {
  for (let i = 0; i < turnMessages; i++) {
    ids.next();
    nodeClock.nowMs();
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function measure(name: string, run: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage();
  let messages = 0;
  for (; performance.now() - startMs < seconds * 1_000; messages += turnMessages) await run();
  const threadUsed = process.threadCpuUsage(thread);
  const used = process.cpuUsage(cpu);
  const micros = ({ user, system }: NodeJS.CpuUsage) => ((user + system) / messages).toFixed(2);
  const rate = Math.round((messages / (performance.now() - startMs)) * 1_000);
  console.log(
    `${name}: ${rate} messages/s, thread ${micros(threadUsed)} µs/message, ` +
      `process ${micros(used)} µs/message, dropped ${log.droppedCount}`,
  );
}

async function measureTrace(name: string, of: () => string): Promise<void> {
  const count = 200;
  const times: number[] = [];
  let events = 0;
  const thread = process.threadCpuUsage();
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    const key = searchKeyOf(of());
    const page = await log.read({ key, limit: 200, sinceMs: 0, isOver: () => false });
    events += page.events.length;
    times.push(performance.now() - startMs);
  }
  const { user, system } = process.threadCpuUsage(thread);
  times.sort((a, b) => a - b);
  console.log(
    `trace ${name}: p50 ${times[count / 2]!.toFixed(2)} ms, p99 ${times[count - 2]!.toFixed(2)} ms, ` +
      `thread ${((user + system) / count / 1_000).toFixed(2)} ms, ${events / count} events`,
  );
}

function measureFooter(): void {
  const index = new KeyIndex();
  const keys = new Uint32Array(2_048);
  for (let offset = 0; index.count < entriesMax; offset += 100_000) {
    for (let i = 0; i < keys.length; i++) keys[i] = Math.floor(Math.random() * 2 ** 32);
    index.add(keys, keys.length, offset);
  }
  const times = Array.from({ length: 20 }, () => {
    const startMs = performance.now();
    index.footer();
    return performance.now() - startMs;
  }).sort((a, b) => a - b);
  console.log(`footer of ${index.count} entries: ${times[10]!.toFixed(2)} ms`);
}

await measure('warm-up', turn);
await measure('without', emptyTurn);
await measure('with', turn);
await log.flush();
await measureTrace('an id', () => sent[Math.floor(Math.random() * sent.length)]!);
const random = (from: readonly string[]) => from[Math.floor(Math.random() * from.length)]!;
await measureTrace('a recipient', () => random(recipients));
await measureTrace('a busy sender', () => random(senders));
await measureTrace('nobody', () => 'nobody@example.net');
measureFooter();
await log.close();
rmSync(folder, { recursive: true });
