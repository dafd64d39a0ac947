/**
 * What SEARCH, SORT and THREAD cost in the engine: ms for a mailbox on disk with LMDB, the first time and warm.
 *
 * Usage: node bench/micro/search.ts [messages]
 * Budget: at 100,000 messages of 3 kB by flag 5 ms; by a field of ENVELOPE 220 ms, then 10; by another header 600 ms
 *         then 10; plain bodies 12 µs a message; at any size the first 50 of a kept order 20 ms. One in ten is
 *         encoded; threads are of five.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { PackedView } from '../../src/actors/asks/imap-asks.ts';
import { searchWants } from '../../src/actors/asks/imap-search-asks.ts';
import { nodeDisk } from '../../src/adapters/files/disk.ts';
import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { nodeClock } from '../../src/adapters/node/clock.ts';
import { nodeRandom } from '../../src/adapters/node/random.ts';
import { type AccountId, defaultTenant, MessageIdSource, shardId } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { ImapDesk } from '../../src/engine/mailbox/imap/desk.ts';
import { search } from '../../src/engine/mailbox/imap/search.ts';
import { sort } from '../../src/engine/mailbox/imap/sort.ts';
import { thread } from '../../src/engine/mailbox/imap/thread.ts';
import { Mailboxes } from '../../src/engine/mailbox/mailboxes.ts';
import { Shard } from '../../src/engine/store/shard.ts';
import type { SortKey, SortKind } from '../../src/mail/wire/imap/parse-sort.ts';
import type { Criteria } from '../../src/mail/wire/imap/search-keys.ts';

const count = Number(process.argv[2] ?? 20_000);
const parcel = 200;
const account = 1 as AccountId;
const line = 'A line of ordinary text in an ordinary message, as people write them.\r\n';
const plain = line.repeat(34);
const encoded = line.repeat(30).replaceAll('as people', '=61s pe=6Fple');

function message(number: number): Buffer {
  const first = number - (number % 5);
  const references = Array.from(
    { length: number % 5 },
    (_, i) => `<${first + i}.bench@sender.example>`,
  );
  const isEncoded = number % 10 === 0;
  return Buffer.from(
    `Received: from client.example ([192.0.2.7])\r\n\tby mx.example with ESMTP id 01HZX${number};\r\n` +
      '\tSun, 22 Nov 2026 02:50:00 +0000\r\n' +
      `From: "Sender Number ${number % 5_000}" <s${number % 5_000}@sender.example>\r\n` +
      `To: "Somebody" <user@here.example>\r\n` +
      `Subject: ${number % 5 === 0 ? '' : 'Re: '}Report number ${first}\r\n` +
      `Date: ${new Date(1_700_000_000_000 + ((number * 7_919) % count) * 60_000).toUTCString()}\r\n` +
      `Message-ID: <${number}.bench@sender.example>\r\nMIME-Version: 1.0\r\n` +
      (references.length > 0 ? `References: ${references.join('\r\n ')}\r\n` : '') +
      `Content-Type: text/${isEncoded ? 'html' : 'plain'}; charset=utf-8\r\n` +
      `Content-Transfer-Encoding: ${isEncoded ? 'quoted-printable' : '8bit'}\r\n\r\n` +
      (isEncoded ? encoded : plain),
  );
}

const folder = mkdtempSync('.bench-search-');
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
const desk = new ImapDesk(shard, mailboxes, nodeClock);
const ids = new MessageIdSource(nodeClock.nowMs, 7);

for (let at = 0; at < count; at += parcel) {
  const deliveries = Array.from({ length: Math.min(parcel, count - at) }, (_, i) =>
    mailboxes.deliver({
      id: ids.next(),
      tenant: defaultTenant,
      sender: 's@sender.example',
      receivedMs: nodeClock.nowMs(),
      targets: [{ account, recipient: 'user@here.example' }],
      parts: [message(at + i)],
    }),
  );
  await Promise.all(deliveries);
}
const row = desk.reader.mailbox(account, 1)!;
const seen = Array.from({ length: count }, (_, i) => i + 1).filter((uid) => uid % 3 !== 0);
const uids = seen.flatMap((uid) => [uid, uid]);
const change = { mailbox: 1, uids, op: 'add', flags: 1, keywords: [] } as const;
await mailboxes.storeFlags(account, defaultTenant, {
  ...change,
  modseqs: [],
  unchangedSince: -1,
  modified: [],
});
// The index has all of it, as of a mailbox nobody changed for a second.
await new Promise((resolve) => setTimeout(resolve, 2_500));
const view: PackedView = [1, desk.reader.mailbox(account, 1)!.highestModseq, row.uidNext];

async function time(name: string, run: () => Promise<unknown>, runs = 3): Promise<void> {
  const times: string[] = [];
  for (let i = 0; i < runs; i++) {
    const startMs = performance.now();
    const cpu = process.threadCpuUsage();
    await run();
    const { user, system } = process.threadCpuUsage(cpu);
    const [ms, cpuMs] = [performance.now() - startMs, (user + system) / 1_000];
    times.push(`${ms.toFixed(1).padStart(9)} (${cpuMs.toFixed(1)})`);
  }
  console.log(`${name.padEnd(40)}${times.join('')} ms (CPU of the thread)`);
}

async function searchAll(criteria: Criteria): Promise<number> {
  let [cursor, found] = [0, 0];
  for (;;) {
    const how = [searchWants.numbers, 0, false, cursor] as const;
    const { value } = await search(desk, [account, view, criteria, [], ...how], 0);
    found += value.count;
    if (value.next === undefined) return found;
    cursor = value.next;
  }
}

const searches: Readonly<Record<string, Criteria>> = {
  'SEARCH UNSEEN': { op: 'flag', bit: 0, isSet: false },
  'SEARCH SUBJECT, nothing found': { op: 'text', place: 'subject', text: 'zzqqxx' },
  'SEARCH SUBJECT, a fifth found': { op: 'text', place: 'subject', text: 'report number 1' },
  'SEARCH FROM an address': { op: 'text', place: 'from', text: 's77@sender.example' },
  'SEARCH HEADER Message-ID': {
    op: 'header',
    field: 'MESSAGE-ID',
    text: '<77.bench@sender.example>',
  },
  'SEARCH HEADER X-Foo': { op: 'header', field: 'X-FOO', text: 'bar' },
  'SEARCH SENTSINCE': { op: 'date', of: 'sent', test: 'since', day: 19_700 },
  'SEARCH SINCE': { op: 'date', of: 'internal', test: 'since', day: 19_700 },
  'SEARCH BODY, nothing found': { op: 'text', place: 'body', text: 'zzqqxx' },
  'SEARCH TEXT, nothing found': { op: 'text', place: 'text', text: 'zz qqxx' },
};
for (const [name, criteria] of Object.entries(searches))
  await time(name, () => searchAll(criteria));

const all: Criteria = { op: 'all' };
const key = (kind: SortKind, isReverse = false): SortKey[] => [{ kind, isReverse }];
const sortAll = (order: SortKey[]) =>
  sort(desk, [account, view, false, all, [], order, null, 0], 0);
await time('SORT (DATE)', () => sortAll(key('DATE')));
await time('SORT (REVERSE ARRIVAL)', () => sortAll(key('ARRIVAL', true)));
await time('SORT (SUBJECT)', () => sortAll(key('SUBJECT')));
await time('SORT (FROM)', () => sortAll(key('FROM')));
const newest = { first: 1, last: 50, isFromEnd: false };
const undeleted: Criteria = { op: 'flag', bit: 3, isSet: false };
for (const [name, criteria] of [
  ['ALL', all],
  ['UNDELETED', undeleted],
] as const) {
  await time(`SORT RETURN (PARTIAL 1:50) ${name}`, () =>
    sort(desk, [account, view, true, criteria, [], key('DATE', true), newest, 0], 0),
  );
}
for (const algorithm of ['REFERENCES', 'ORDEREDSUBJECT'] as const) {
  await time(`THREAD ${algorithm}`, () =>
    thread(desk, [account, view, false, all, [], algorithm], 0),
  );
}
console.log(`memory: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`);
await shard.close();
rmSync(folder, { recursive: true });
