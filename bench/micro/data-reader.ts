/**
 * What it costs to read a message's text: the data reader against looking at every octet, ns an octet.
 *
 * Usage: node bench/micro/data-reader.ts
 */

import { DataReader } from '../../src/mail/wire/smtp/data-reader.ts';

const line = Buffer.from(`${'abcdefghijklmnopqrstuvwxyz0123456789+/'.repeat(2)}\r\n`);
const subjects = { '64 kB': 65_536, '10 kB': 10_240, '1 kB': 1_024 } as const;

function lookAtEach(chunk: Buffer): number {
  let count = 0;
  let i = 0;
  while (i < chunk.length) {
    while (i < chunk.length && chunk[i]! > 13) i++;
    count++;
    i++;
  }
  return count;
}

function nsPerOctet(run: () => unknown, octets: number): number {
  const rounds = Math.ceil(30_000_000 / octets);
  for (let i = 0; i < rounds / 10; i++) run();
  const times = Array.from({ length: 7 }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run();
    return Number(process.hrtime.bigint() - start) / rounds / octets;
  });
  return times.sort((a, b) => a - b)[3]!;
}

const reader = new DataReader();
for (const [name, octets] of Object.entries(subjects)) {
  const chunk = Buffer.concat(Array.from({ length: Math.ceil(octets / line.length) }, () => line));
  const read = nsPerOctet(() => {
    reader.reset('dots');
    return reader.read(chunk, 0);
  }, chunk.length);
  const look = nsPerOctet(() => lookAtEach(chunk), chunk.length);
  console.log(`${name}: reader ${read.toFixed(2)}, each octet ${look.toFixed(2)} ns an octet`);
}
