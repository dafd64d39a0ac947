/**
 * Aim: quick reads go on; slow ones stop them, so that a thread waits for its disk a small share of the time.
 * Method: a file whose reads turn the clock by as much as the test says.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WarmReads } from '../../../../src/engine/store/warm-reads.ts';
import { DiskError, type DiskFile } from '../../../../src/ports/disk.ts';

class Scene {
  nowMs = 0;
  takesMs = 0.003;
  isFailing = false;
  count = 0;
  readonly reads = new WarmReads({ monotonicMs: () => this.nowMs });
  readonly #file = {
    readNow: () => {
      this.count++;
      this.nowMs += this.takesMs;
      if (this.isFailing) throw new DiskError('io', 'segment');
      return 4;
    },
  } as unknown as DiskFile;

  read(): number | undefined {
    return this.reads.read(this.#file, 0, new Uint8Array(4));
  }

  /** How long it rests from now, to a millisecond. */
  restMs(): number {
    const startMs = this.nowMs;
    while (this.read() === undefined) this.nowMs++;
    return this.nowMs - startMs - this.takesMs;
  }
}

it('reads on while it is quick', () => {
  const scene = new Scene();
  for (let i = 0; i < 1_000; i++) assert.equal(scene.read(), 4);
  assert.equal(scene.count, 1_000);
});

it('goes on after a delay or two, and answers the bytes of a slow read too', () => {
  const scene = new Scene();
  scene.takesMs = 3;
  assert.equal(scene.read(), 4);
  scene.takesMs = 0.003;
  for (let i = 0; i < 100; i++) assert.equal(scene.read(), 4);
});

it('rests after slow reads until what they took is a fiftieth of the time', () => {
  const scene = new Scene();
  scene.takesMs = 10;
  assert.equal(scene.read(), 4);
  assert.equal(scene.read(), undefined);
  assert.equal(scene.count, 1, 'the disk was left alone');
  assert.equal(scene.restMs(), 250);
});

it('rests after a read that failed slowly, too', () => {
  const scene = new Scene();
  scene.takesMs = 3_000;
  scene.isFailing = true;
  assert.throws(() => scene.read(), DiskError);
  assert.equal(scene.read(), undefined);
  assert.equal(scene.count, 1, 'the disk was left alone');
});

it('waits for a cold disk 2 % of the time, and for one that hangs once a second', () => {
  for (const [takesMs, restMs] of [
    [10, 500],
    [5_000, 1_000],
  ] as const) {
    const scene = new Scene();
    scene.takesMs = takesMs;
    scene.read();
    scene.restMs();
    // A debt is paid while the read that follows lasts, too.
    for (let i = 0; i < 5; i++) assert.ok(Math.abs(scene.restMs() - restMs) <= 15);
  }
});
