/** Aim: what waits is read wherever compaction has put it. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import type { SpoolMessage } from '../../../../src/engine/spool/message.ts';
import { readBody } from '../../../../src/engine/spool/reading.ts';
import type { SpoolShard } from '../../../../src/engine/spool/spool-shard.ts';
import type { RecordPlace } from '../../../../src/engine/store/record.ts';

const told: RecordPlace = {
  ...{ sequence: 5, segment: 1, offset: 64, bytes: 100, bodyOffset: 80, bodyBytes: 4 },
};

test('a message whose body was copied since is read where it is now, though the old segment is gone', async () => {
  const now: RecordPlace = { ...told, sequence: 9, segment: 3 };
  let leases = 0;
  const shard: Pick<SpoolShard, 'placeNow' | 'lease' | 'read' | 'readNow'> = {
    placeNow: (place) => (place === told ? now : place),
    lease: (segment) => {
      assert.equal(segment, 3, `segment ${segment} is gone`);
      leases++;
      return { release: () => leases-- };
    },
    readNow: () => undefined,
    read: async (place) => {
      assert.deepEqual([place.segment, leases], [3, 1]);
      return Buffer.from('body');
    },
  };
  const message = { place: told, parts: undefined } as SpoolMessage;
  const parts = await readBody(shard as SpoolShard, message);
  assert.equal(Buffer.concat(parts).toString(), 'body');
  assert.equal(leases, 0);
});
