/**
 * A server of ours with sessions that idle: what each costs, and how soon they are told.
 *
 * Runs in: bench.
 */

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openControl } from '../../src/cli/control-client.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { startChaski } from '../servers/chaski.ts';
import { freePort } from '../servers/free-port.ts';
import { Deliverer } from './delivery.ts';
import { startIdler } from './idler.ts';

const domain = 'idle.test';
const password = 'idle-password';
/** As many are opened at a time. */
const openingMax = 50;
/** Its sessions come and go first: code, pools and tables are there before anything is measured. */
const warmUpSessions = 500;
const settleMs = 12_000;
const deliveriesPaceMs = 120;
const allPaceMs = 1_500;
const toldMsMax = 20_000;

export interface Scene {
  readonly name: string;
  readonly isTls: boolean;
  readonly sessions: number;
  /** They are spread over as many. */
  readonly accounts: number;
  readonly deliveries: number;
  readonly deliveriesToAll: number;
}

export interface SceneResult {
  readonly scene: Scene;
  readonly sessionBytes: number;
  readonly rssBeforeBytes: number;
  /** From the end of the message sent to EXISTS at the one idler of an account, sorted. */
  readonly oneMs: readonly number[];
  /** From the end of the message sent to EXISTS at the last of all idlers of one mailbox, sorted. */
  readonly allMs: readonly number[];
}

export async function playScene(scene: Scene, folder: string): Promise<SceneResult> {
  const ports = { imap: await freePort(), imaps: await freePort(), lmtp: await freePort() };
  const at = (port: number) => `127.0.0.1:${port}`;
  const environment = {
    CHASKI_LISTEN__IMAP: at(ports.imap),
    CHASKI_LISTEN__IMAPS: at(ports.imaps),
    CHASKI_LISTEN__POP3: '',
    CHASKI_LISTEN__POP3S: '',
    CHASKI_LISTEN__MANAGESIEVE: '',
    CHASKI_LISTEN__LMTP: at(ports.lmtp),
    CHASKI_LOGIN__CLEAR_NETWORKS: '127.0.0.1',
    CHASKI_LOGIN__CACHE_MS: '1h',
  };
  const place = { folder, nextHopPort: await freePort() };
  const server = await startChaski(place, { name: scene.name, environment });
  const idlers: Socket[] = [];
  try {
    await createAccounts(folder, scene.accounts);
    const port = scene.isTls ? ports.imaps : ports.imap;
    const told = new Told();
    const start = (index: number) =>
      startIdler({
        port,
        isTls: scene.isTls,
        user: userOf(index, scene.accounts),
        password,
        told: (nowMs) => told.note(nowMs),
      });
    const warm = await openAll(Math.min(scene.sessions, warmUpSessions), start);
    for (const socket of warm) socket.destroy();
    await sleep(settleMs);
    const rssBeforeBytes = rssBytes(server.pid);
    idlers.push(...(await openAll(scene.sessions, start)));
    await sleep(settleMs);
    const sessionBytes = (rssBytes(server.pid) - rssBeforeBytes) / scene.sessions;
    idlers.push(await startIdler({ ...soloOf(told), port, isTls: scene.isTls }));
    const deliverer = await Deliverer.connect(ports.lmtp);
    const one = { to: soloUser, wanted: 1, paceMs: deliveriesPaceMs };
    const oneMs = await deliverOften(deliverer, told, scene.deliveries, one);
    const all = { to: userOf(0, 1), wanted: scene.sessions, paceMs: allPaceMs };
    const allMs = await deliverOften(deliverer, told, scene.deliveriesToAll, all);
    deliverer.close();
    return { scene, sessionBytes, rssBeforeBytes, oneMs, allMs };
  } finally {
    for (const socket of idlers) socket.destroy();
    await server.stop();
  }
}

const soloUser = `solo@${domain}`;
const soloOf = (told: Told) => ({
  user: soloUser,
  password,
  told: (nowMs: number) => told.note(nowMs),
});

/** Counts idlers told of the message under way. */
class Told {
  #wanted = 0;
  #done: (nowMs: number) => void = () => {};

  note(nowMs: number): void {
    if (--this.#wanted === 0) this.#done(nowMs);
  }

  /** Resolves with the instant the last of `wanted` idlers is told. */
  last(wanted: number): Promise<number> {
    this.#wanted = wanted;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.#wanted} of ${wanted} idlers were not told`));
      }, toldMsMax);
      this.#done = (nowMs) => {
        clearTimeout(timer);
        resolve(nowMs);
      };
    });
  }
}

interface Deliveries {
  readonly to: string;
  readonly wanted: number;
  readonly paceMs: number;
}

async function deliverOften(
  deliverer: Deliverer,
  told: Told,
  count: number,
  { to, wanted, paceMs }: Deliveries,
): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const last = told.last(wanted);
    const sentMs = await deliverer.deliver(to);
    latencies.push((await last) - sentMs);
    await sleep(paceMs);
  }
  return latencies.sort((a, b) => a - b);
}

async function openAll(
  count: number,
  start: (index: number) => Promise<Socket>,
): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  let next = 0;
  const opener = async () => {
    while (next < count) sockets.push(await start(next++));
  };
  await Promise.all(Array.from({ length: openingMax }, opener));
  return sockets;
}

function userOf(index: number, accounts: number): string {
  return `user${index % accounts}@${domain}`;
}

async function createAccounts(folder: string, count: number): Promise<void> {
  const environment = { CHASKI_DATA: join(folder, 'data') };
  const control = await openControl(loadOrThrow({ environment }));
  try {
    await control.call('domain.create', { name: domain });
    await control.call('account.create', { address: soloUser, password });
    for (let i = 0; i < count; i++) {
      await control.call('account.create', { address: userOf(i, count), password });
    }
  } finally {
    await control.close();
  }
}

function rssBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
}
