/**
 * Looks at a server now and then while a scene runs: memory from `/proc`, figures from `/metrics`.
 *
 * Runs in: bench. Linux only.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const lookMs = 500;
const metricsMsMax = 10_000;

export interface Look {
  /** Wall clock. */
  readonly atMs: number;
  readonly rssBytes: number;
  /** Messages with a waiting recipient; undefined where the server did not say in time. */
  readonly queued: number | undefined;
  readonly bodyBytes: number | undefined;
  readonly receivingBytes: number | undefined;
  readonly accepted: number | undefined;
  readonly delivered: number | undefined;
}

export class Watch {
  readonly looks: Look[] = [];
  readonly #pid: number;
  readonly #httpPort: number;
  #isStopping = false;
  readonly #ended: Promise<void>;

  constructor(pid: number, httpPort: number) {
    this.#pid = pid;
    this.#httpPort = httpPort;
    this.#ended = this.#run();
  }

  async stop(): Promise<readonly Look[]> {
    this.#isStopping = true;
    await this.#ended;
    return this.looks;
  }

  get rssBytesMax(): number {
    return Math.max(0, ...this.looks.map(({ rssBytes }) => rssBytes));
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.looks.push(await look(this.#pid, this.#httpPort));
      await sleep(lookMs);
    }
  }
}

export async function look(pid: number, httpPort: number): Promise<Look> {
  const text = await metricsText(httpPort);
  const figure = (name: string) => (text === undefined ? undefined : metric(text, name));
  return {
    atMs: Date.now(),
    rssBytes: rssBytes(pid),
    queued: figure('chaski_queue_messages'),
    bodyBytes: figure('chaski_spool_resident_bytes'),
    receivingBytes: figure('chaski_receiving_bytes'),
    accepted: figure('chaski_messages_accepted_total'),
    delivered: figure('chaski_outcomes_total{state="delivered",why=""}'),
  };
}

export function rssBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return match === null ? 0 : Number(match[1]) * 1_024;
}

async function metricsText(port: number): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(metricsMsMax);
    return await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal })).text();
  } catch {
    return undefined;
  }
}

/** Sum of a figure's rows. */
export function metric(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const rest = line.slice(name.length);
    if (rest.startsWith(' ') || (rest.startsWith('{') && !name.endsWith('}'))) {
      sum += Number(rest.slice(rest.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}

/** How much more memory there ever was in the later half of some looks than in the middle of them. */
export function growthBytes(looks: readonly Look[]): number {
  const later = looks.slice(Math.floor(looks.length / 2)).map((each) => each.rssBytes);
  return later.length === 0 ? 0 : Math.max(...later) - later[0]!;
}
