/**
 * What one ask costs in the codec: packing, unpacking and its answer, both ways together.
 *
 * Prints one JSON object a case: microseconds of CPU per ask. Run: `node bench/micro/parcel.ts`.
 */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import { packAnswers, packAsks, unpackAnswers, unpackAsks } from '../../src/actors/parcel.ts';
import type { ShardId } from '../../src/base/ids.ts';

const roundsMs = 400;

interface Case {
  readonly name: string;
  readonly count: number;
  readonly bodyBytes: number;
  readonly answer: Answer;
}

const cases: readonly Case[] = [
  { name: '1 kB × 1', count: 1, bodyBytes: 1_000, answer: { ok: true, value: undefined } },
  { name: '1 kB × 20', count: 20, bodyBytes: 1_000, answer: { ok: true, value: undefined } },
  { name: '1 kB × 100', count: 100, bodyBytes: 1_000, answer: { ok: true, value: undefined } },
  { name: '10 kB × 20', count: 20, bodyBytes: 10_000, answer: { ok: true, value: undefined } },
  { name: '1 kB × 20, value', count: 20, bodyBytes: 1_000, answer: { ok: true, value: [1, 'x'] } },
];

for (const one of cases) {
  const asks = Array.from({ length: one.count }, (_, i) => askOf(i, one.bodyBytes));
  const answers = asks.map(() => one.answer);
  run(asks, answers, roundsMs / 4);
  const parts = run(asks, answers, roundsMs);
  console.log(JSON.stringify({ bench: 'parcel', case: one.name, ...parts }));
}

/** What the spool's accept sends: fields by place, the id as key. */
function askOf(i: number, bodyBytes: number): Ask {
  const id = `01J9Z3K4M5N${String(i).padStart(5, '0')}`;
  const envelope = ['sender@example.org', [['user@example.net', 0, 0, 0, '']], 0, false, 0, ''];
  const arrival = [id, 1_790_000_000_000, 'smtp', 'ESMTP', '192.0.2.7', 40_000 + i];
  return {
    shard: 3 as ShardId,
    actor: '',
    name: 'spool.accept',
    key: id,
    class: 'short',
    lane: 'normal',
    deadlineMs: 1_790_000_030_000,
    meta: [envelope, [...arrival, 'client.example.org', '', '', '', true, 0]],
    body: [Buffer.alloc(bodyBytes, 0x61)],
  };
}

function run(asks: readonly Ask[], answers: readonly Answer[], ms: number) {
  const start = process.cpuUsage();
  const untilMs = performance.now() + ms;
  let rounds = 0;
  let kept = 0;
  const parts = { packAsks: 0, unpackAsks: 0, packAnswers: 0, unpackAnswers: 0 };
  while (performance.now() < untilMs) {
    const at = performance.now();
    const packed = packAsks(rounds, asks);
    const packedMs = performance.now();
    const arrived = unpackAsks(packed);
    const unpackedMs = performance.now();
    const back = packAnswers(arrived.number, answers);
    const answeredMs = performance.now();
    kept += unpackAnswers(back).answers.length;
    parts.packAsks += packedMs - at;
    parts.unpackAsks += unpackedMs - packedMs;
    parts.packAnswers += answeredMs - unpackedMs;
    parts.unpackAnswers += performance.now() - answeredMs;
    rounds++;
  }
  const used = process.cpuUsage(start);
  const perAsk = (us: number) => Number((us / kept).toFixed(2));
  return {
    cpuUsPerAsk: perAsk(used.user + used.system),
    packAsksUs: perAsk(parts.packAsks * 1_000),
    unpackAsksUs: perAsk(parts.unpackAsks * 1_000),
    packAnswersUs: perAsk(parts.packAnswers * 1_000),
    unpackAnswersUs: perAsk(parts.unpackAnswers * 1_000),
  };
}
