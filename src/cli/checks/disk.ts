/** Whether the data folder's disk has room, keeps others out, and how long a sync takes. */

import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Settings } from '../../settings/schema.ts';
import { size } from '../output.ts';
import type { Finding } from './finding.ts';

const syncCount = 30;
const syncBytes = 4_096;
/** Slower than this, a single session waits noticeably for each 250. */
const syncMsGood = 20;

export async function checkDisk(settings: Settings): Promise<readonly Finding[]> {
  const { dir, diskFreeBytesMin } = settings.data;
  const folder = await nearestFolder(dir);
  const findings: Finding[] = [];
  if (folder === dir) findings.push(await checkMode(dir));
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const what = `${size(free)} free at ${folder}`;
  findings.push(
    free < diskFreeBytesMin
      ? {
          area: 'disk',
          status: 'fault',
          what: `${what}; new mail is refused below ${size(diskFreeBytesMin)}`,
          advice: 'Make room, or lower data.diskFreeBytesMin.',
        }
      : { area: 'disk', status: 'ok', what },
  );
  findings.push(await checkSync(folder));
  return findings;
}

/** The folder itself, or where it is not made yet, the first parent that is there. */
async function nearestFolder(path: string): Promise<string> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory() || dirname(path) === path) return path;
  return await nearestFolder(dirname(path));
}

async function checkMode(folder: string): Promise<Finding> {
  const { mode } = await stat(folder);
  const text = (mode & 0o777).toString(8).padStart(4, '0');
  if ((mode & 0o077) === 0)
    return { area: 'disk', status: 'ok', what: `${folder} has mode ${text}` };
  const advice = `Others can look into it: chmod 0700 ${folder}`;
  return { area: 'disk', status: 'fault', what: `${folder} has mode ${text}`, advice };
}

async function checkSync(folder: string): Promise<Finding> {
  const path = join(folder, `.chaski-check-${process.pid}`);
  let times: number[];
  try {
    times = await measureSyncs(path);
  } catch (error) {
    const what = `${folder} cannot be written: ${(error as NodeJS.ErrnoException).code}`;
    return { area: 'disk', status: 'fault', what, advice: 'Run as the user who owns the folder.' };
  } finally {
    await rm(path, { force: true });
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(syncCount / 2)]!;
  const worst = times.at(-1)!;
  const what = `a sync takes ${median.toFixed(2)} ms (worst of ${syncCount}: ${worst.toFixed(2)} ms)`;
  if (median <= syncMsGood) return { area: 'disk', status: 'ok', what };
  const advice = 'Every 250 waits for a sync: a disk with power-loss protection is much faster.';
  return { area: 'disk', status: 'warning', what, advice };
}

async function measureSyncs(path: string): Promise<number[]> {
  const file = await open(path, 'w', 0o600);
  const block = Buffer.alloc(syncBytes, 1);
  const times: number[] = [];
  try {
    for (let i = 0; i < syncCount; i++) {
      const start = performance.now();
      await file.write(block, 0, syncBytes, i * syncBytes);
      await file.datasync();
      times.push(performance.now() - start);
    }
  } finally {
    await file.close();
  }
  return times;
}
