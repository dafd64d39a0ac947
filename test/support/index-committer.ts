/** A process of its own that commits to an LMDB index until it is killed: each commit sets all keys to its number. */

import { openLmdbShardIndex } from '../../src/adapters/lmdb/shard-index.ts';
import { mebibyte } from '../../src/base/units.ts';

const [path = ''] = process.argv.slice(2);
const index = openLmdbShardIndex({ path, mapBytes: 64 * mebibyte });
const keys = Array.from({ length: 40 }, (_, i) => Buffer.from(`key ${i}`));

for (let number = 1; ; number++) {
  const value = Buffer.alloc(200);
  value.writeUInt32BE(number);
  await index.commit(keys.map((put) => ({ put, value })));
  process.stdout.write(`${number}\n`);
}
