/**
 * Files of an audit log: what a kill, a power cut or a full disk leaves, and what a check of a copy finds.
 *
 * Method: a disk that loses power at any call; every entry that was answered has to be there afterwards, in one chain.
 */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import { batchMax, FilesAuditLog, waitingMax } from '../../../../src/adapters/files/audit-log.ts';
import {
  type AuditVerdict,
  findingsMax,
  verifyAuditFolder,
} from '../../../../src/adapters/files/audit-verify.ts';
import { MemoryDisk } from '../../../../src/adapters/memory/memory-disk.ts';
import type { AuditEntry } from '../../../../src/ports/audit-log.ts';
import type { Disk } from '../../../../src/ports/disk.ts';
import { entriesOf, facts } from '../../../contracts/audit-log.ts';
import { seededChance } from '../../../simulation/seeded-chance.ts';
import { SimulatedDisk } from '../../../simulation/simulated-disk.ts';
import { SeededClock, SeededRandom } from '../../../support/seeded-clock.ts';

const folder = '/data/audit';
const dayMs = 86_400_000;

function opening(disk: Disk, clock = new SeededClock()) {
  const limits = { segmentBytesMax: 65_536, segmentMsMax: dayMs };
  return FilesAuditLog.open({ disk, clock, random: new SeededRandom(9), folder, ...limits });
}

/** Five days of three entries each, a segment a day. */
async function week(disk: Disk = new MemoryDisk()) {
  const clock = new SeededClock();
  const log = await opening(disk, clock);
  for (let day = 0; day < 5; day++) {
    for (let n = 0; n < 3; n++) await log.append([facts(`act ${day}.${n}`)]);
    clock.advance(dayMs);
  }
  await log.heads.keep(log.heads.sign(log.tip));
  return { disk, clock, log };
}

const segments = ['0000000000000001', '0000000000000004', '0000000000000007'].map(
  (name) => `${folder}/${name}.jsonl`,
);

async function textOf(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read');
  const bytes = await file.read(0, await file.size());
  await file.close();
  return Buffer.from(bytes).toString();
}

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'write');
  await file.truncate(0);
  await file.write(0, [Buffer.from(text)]);
  await file.close();
}

async function change(disk: Disk, path: string, edit: (text: string) => string): Promise<void> {
  await put(disk, path, edit(await textOf(disk, path)));
}

function verify(disk: Disk, outside?: readonly string[]): Promise<AuditVerdict> {
  return verifyAuditFolder({ disk, folder, ...(outside === undefined ? {} : { outside }) });
}

const kindsOf = ({ findings }: AuditVerdict) => [...new Set(findings.map(({ kind }) => kind))];

describe('files of an audit log', () => {
  it('begin another segment each day, behind a signed head, and are found sound', async () => {
    const { disk, log } = await week();
    const verdict = await verify(disk);
    assert.deepEqual(verdict.findings, []);
    const { isSound, entryCount, segmentCount, sealedTo, lastHash, firstSequence } = verdict;
    assert.deepEqual(
      { isSound, entryCount, segmentCount, sealedTo, lastHash, firstSequence },
      {
        ...{ isSound: true, entryCount: 15, segmentCount: 5, sealedTo: 15 },
        ...{ lastHash: log.tip.hash, firstSequence: 1 },
      },
    );
  });

  it('stay sound behind a signed head once old segments went', async () => {
    const { disk, log, clock } = await week();
    const { forgottenTo } = await log.trim({ beforeMs: clock.nowMs() - 2.5 * dayMs });
    assert.equal(forgottenTo, 6);
    const verdict = await verify(disk);
    assert.deepEqual(verdict.findings, []);
    assert.equal(verdict.firstSequence, 7);
    await change(disk, `${folder}/heads.jsonl`, (text) => {
      return text.replace(/^.*"sequence":6,.*\n/m, '');
    });
    assert.deepEqual(kindsOf(await verify(disk)), ['start-unsealed']);
  });

  it('share one sync among acts that wait together', async () => {
    const log = await opening(new MemoryDisk());
    await Promise.all(Array.from({ length: 500 }, (_, i) => log.append([facts(`${i}`)])));
    assert.ok(log.counts.syncs <= 3, `${log.counts.syncs} syncs`);
    assert.equal(log.counts.entries, 500);
  });

  it('take no more than may wait, and no batch that is too long', async () => {
    const log = await opening(new MemoryDisk());
    const batch = Array.from({ length: batchMax }, () => facts('a'));
    // The first is written already.
    const waiting: Promise<unknown>[] = [log.append(batch)];
    for (let count = 0; count + batchMax <= waitingMax; count += batchMax) {
      waiting.push(log.append(batch));
    }
    await assert.rejects(log.append(batch), /too many entries wait/);
    await Promise.all(waiting);
    await log.append(batch);
    assert.throws(() => log.append([...batch, facts('b')]), /a batch of 65/);
    await log.close();
    await assert.rejects(log.append([facts('late')]), /closed/);
  });

  it('have all that was answered after power was lost at any call', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const chance = seededChance(seed);
      const disk = new SimulatedDisk(chance);
      const clock = new SeededClock();
      const answered: AuditEntry[] = [];
      let calls = 0;
      const cutAt = 5 + Math.floor(chance() * 120);
      disk.plan = {
        onCall: () => ++calls === cutAt,
        ...(seed % 3 === 0 ? { onSync: () => (chance() < 0.05 ? 'io' : undefined) } : {}),
      };
      try {
        const log = await opening(disk, clock);
        for (let n = 0; n < 40; n++) {
          const some = Array.from({ length: 1 + (n % 5) }, (_, i) => facts(`${n}.${i}`));
          // A sync that fails is told; what comes then goes on.
          await log.append(some).then(
            (entries) => answered.push(...entries),
            () => {},
          );
          clock.advance(dayMs / 6);
          if (n % 7 === 6) await log.heads.keep(log.heads.sign(log.tip)).catch(() => {});
        }
      } catch {
        // The power went while it was opened.
      }
      const after = seed % 4 === 0 ? disk.killProcess() : disk.cutPower();
      const log = await opening(after, clock);
      const found = await entriesOf(log);
      for (const entry of answered) {
        assert.deepEqual(found[entry.sequence - 1], entry, `seed ${seed}: ${entry.sequence}`);
      }
      await log.append([facts('after')]);
      const verdict = await verify(after);
      assert.deepEqual(verdict.findings, [], `seed ${seed}`);
      await log.close();
    }
  });

  it('cut what a kill left of a line, and say so', async () => {
    const { disk, log, clock } = await week();
    await log.append([facts('last')]);
    const path = `${folder}/0000000000000016.jsonl`;
    await change(disk, path, (text) => `${text}{"seq":17,"at":"20`);
    assert.equal((await verify(disk)).tornBytes, 18);
    assert.equal((await verify(disk)).isSound, true);
    const again = await opening(disk, clock);
    assert.equal(
      again.found,
      '18 bytes of a write that was not ended were cut off 0000000000000016.jsonl',
    );
    assert.equal(again.tip.sequence, 16);
    assert.equal(await textOf(disk, `${path}.cut`), '{"seq":17,"at":"20');
    await again.append([facts('next')]);
    assert.deepEqual((await verify(disk)).findings, []);
  });

  it('cut nothing that a head vouches for, though it is damaged', async () => {
    const { disk, clock, log } = await week();
    const path = `${folder}/0000000000000013.jsonl`;
    await change(disk, path, (text) => text.replace('act 4.1', 'act 4.x'));
    const again = await opening(disk, clock);
    assert.match(again.found, /0000000000000013.jsonl is damaged/);
    assert.equal(again.tip.hash, log.tip.hash);
    await again.append([facts('next')]);
    const verdict = await verify(disk);
    assert.deepEqual(kindsOf(verdict), ['entry-changed']);
    assert.equal(verdict.firstBad, 14);
  });

  it('are not begun anew where entries are but their id is not', async () => {
    const { disk } = await week();
    await disk.remove(`${folder}/log.json`);
    await assert.rejects(opening(disk), /put it back from a backup/);
    assert.deepEqual(kindsOf(await verify(disk)).includes('log-missing'), true);
  });
});

describe('a check of an audit log', () => {
  const edits: readonly [
    what: string,
    edit: (disk: Disk) => Promise<void>,
    kinds: string[],
    firstBad: number,
  ][] = [
    [
      'an entry that was changed',
      (disk) => change(disk, segments[1]!, (text) => text.replace('act 1.1', 'act 9.9')),
      ['entry-changed'],
      5,
    ],
    [
      'an entry that was taken out',
      (disk) => change(disk, segments[1]!, (text) => text.replace(/^.*act 1\.1.*\n/m, '')),
      ['chain-broken'],
      5,
    ],
    [
      'a line that is none',
      (disk) => change(disk, segments[1]!, (text) => text.replace(/^.*act 1\.1.*$/m, 'x')),
      ['entry-unreadable', 'chain-broken'],
      5,
    ],
    [
      'segments that changed places',
      async (disk) => {
        const [one, other] = [await textOf(disk, segments[1]!), await textOf(disk, segments[2]!)];
        await put(disk, segments[1]!, other);
        await put(disk, segments[2]!, one);
      },
      ['segment-misplaced', 'chain-broken'],
      4,
    ],
    ['a segment that is gone', (disk) => disk.remove(segments[1]!), ['chain-broken'], 4],
    [
      'a tail that was cut',
      (disk) => disk.remove(`${folder}/0000000000000013.jsonl`),
      ['tail-cut'],
      13,
    ],
  ];
  for (const [what, edit, kinds, firstBad] of edits) {
    it(`finds ${what}, and where`, async () => {
      const { disk } = await week();
      await edit(disk);
      const verdict = await verify(disk);
      assert.equal(verdict.isSound, false);
      assert.deepEqual(kindsOf(verdict), kinds);
      assert.equal(verdict.firstBad, firstBad);
    });
  }

  /** The same acts but one, by somebody who has the folder and its key. */
  async function remade() {
    const { disk } = await week();
    const outside = (await textOf(disk, `${folder}/heads.jsonl`)).trim().split('\n');
    const forged = new MemoryDisk();
    await forged.makeFolder(folder);
    for (const name of ['log.json', 'head.key']) {
      const file = await forged.open(`${folder}/${name}`, 'create');
      await file.write(0, [Buffer.from(await textOf(disk, `${folder}/${name}`))]);
      await file.close();
    }
    const log = await opening(forged);
    for (let n = 0; n < 15; n++) await log.append([facts(n === 6 ? 'forged' : `act ${n}`)]);
    await log.heads.keep(log.heads.sign(log.tip));
    return { disk: forged, outside };
  }

  it('finds a chain that was made again by heads that were sent out, and by nothing else', async () => {
    const { disk, outside } = await remade();
    assert.deepEqual((await verify(disk)).findings, []);
    const verdict = await verify(disk, outside);
    assert.deepEqual(kindsOf(verdict), ['chain-remade']);
    assert.equal(verdict.isSound, false);
  });

  it('finds a tail that was cut with its heads by heads that were sent out', async () => {
    const { disk } = await week();
    const heads = await textOf(disk, `${folder}/heads.jsonl`);
    const outside = heads
      .trim()
      .split('\n')
      .map((line) => `<110>1 - mx chaski - - - ${line}`);
    await disk.remove(`${folder}/0000000000000013.jsonl`);
    await change(disk, `${folder}/heads.jsonl`, (text) =>
      text.replace(/^.*"sequence":15,.*\n/m, ''),
    );
    assert.deepEqual((await verify(disk)).findings, []);
    const verdict = await verify(disk, outside);
    assert.deepEqual(kindsOf(verdict), ['tail-cut']);
    assert.equal(verdict.firstBad, 13);
  });

  it('trusts a key that the one before has signed, and no other', async () => {
    const { disk, log, clock } = await week();
    const outside = (await textOf(disk, `${folder}/heads.jsonl`)).trim().split('\n');
    await log.heads.rotate();
    await log.append([facts('by the next key')]);
    await log.heads.keep(log.heads.sign(log.tip));
    const verdict = await verify(disk, outside);
    assert.deepEqual(verdict.findings, []);
    assert.equal(verdict.keys.length, 2);
    assert.equal(verdict.sealedTo, 16);
    // Who began to keep heads later knows the second key first.
    const later = (await textOf(disk, `${folder}/heads.jsonl`)).trim().split('\n').slice(-2);
    assert.deepEqual((await verify(disk, later)).findings, []);
    // Somebody without the key makes one: nothing signs it.
    await disk.remove(`${folder}/head.key`);
    const again = await opening(disk, clock);
    await again.append([facts('by a forged key')]);
    await again.heads.keep(again.heads.sign(again.tip));
    assert.deepEqual(kindsOf(await verify(disk, outside)), ['key-unsigned', 'head-unsigned']);
  });

  it('finds a head whose words were changed, and one of another log', async () => {
    const { disk } = await week();
    const lines = (await textOf(disk, `${folder}/heads.jsonl`)).trim().split('\n');
    const changed = lines.map((line) => line.replace('"sequence":15', '"sequence":14'));
    assert.deepEqual(kindsOf(await verify(disk, changed)), ['head-unsigned']);
    const foreign = lines.map((line) =>
      line.replace(/"log":"[0-9a-f]+"/, `"log":"${'1'.repeat(32)}"`),
    );
    assert.deepEqual(kindsOf(await verify(disk, foreign)), ['log-differs']);
  });

  it('names so many findings, and counts all', async () => {
    const disk = new MemoryDisk();
    const log = await opening(disk);
    for (let n = 0; n < 3; n++) {
      await log.append(Array.from({ length: batchMax }, () => facts('act')));
    }
    await change(disk, segments[0]!, (text) => text.replaceAll('"act":"act"', '"act":"bad"'));
    const verdict = await verify(disk);
    assert.equal(verdict.findings.length, findingsMax);
    assert.equal(verdict.findingCount, 3 * batchMax);
  });
});
