/**
 * The running server: joins adapters, engine, listeners and control socket, and takes them down in order.
 *
 * Runs in:   main thread.
 * Invariant: nothing listens before every shard that can be opened is open; on the way down sessions end first, then
 *            the engine drains and syncs, then the lock is given up. What was acknowledged is on disk at every moment.
 */

import { join } from 'node:path';
import type { Answer, Ask } from '../actors/ask.ts';
import type { ControlHandlers } from '../actors/asks/control.ts';
import { engineAsks } from '../actors/asks/engine-asks.ts';
import type { PolicySnapshot } from '../actors/asks/policy-snapshot.ts';
import type { PackedRecipient } from '../actors/asks/spool-asks.ts';
import { ByteBudget } from '../actors/budget.ts';
import { nodeDisk } from '../adapters/files/disk.ts';
import { openLmdbDirectory } from '../adapters/lmdb/account-directory.ts';
import { nodeClock } from '../adapters/node/clock.ts';
import { nodeRandom } from '../adapters/node/random.ts';
import { failure } from '../base/errors.ts';
import { MessageIdSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import { ReloadableTls } from '../edge/listeners/tls.ts';
import { probeRoutes } from '../edge/protocols/http/routes.ts';
import { type HttpListener, listenHttp } from '../edge/protocols/http/server.ts';
import { type ControlServer, serveControl } from '../edge/protocols/control/server.ts';
import { createReception } from '../edge/reception.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import { writeListenAddress } from '../settings/networks.ts';
import { controlSocketPath } from '../settings/places.ts';
import type { Settings } from '../settings/schema.ts';
import { loadCertificate } from './certificate.ts';
import { controlHandlers } from './control/handlers.ts';
import { openDataFolder } from './data-folder.ts';

import { edgeObserver } from './edge-metrics.ts';
import { EngineHost } from './engine-host.ts';
import { Health } from './health.ts';
import { MailListeners } from './listeners.ts';
import { createLogIn } from './log-in.ts';
import { PolicySource } from './policy.ts';
import { epochWords, workerCount } from './threads.ts';

export interface RunningServer {
  /** As bound, by listener. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly isNew: boolean;
  readonly handlers: ControlHandlers;
  reload(settings: Settings): Promise<void>;
  /** Drains and stops; resolves when everything is synced and closed. */
  stop(): Promise<void>;
}

export interface ServerRequest {
  readonly settings: Settings;
  readonly log: Log;
  readonly version: string;
}

export async function startServer(request: ServerRequest): Promise<RunningServer> {
  const { settings, log, version } = request;
  const startedMs = nodeClock.nowMs();
  const folder = await openDataFolder({
    path: settings.data.dir,
    shards: settings.shards,
    disk: nodeDisk,
    random: nodeRandom,
  });
  const closers: (() => Promise<void>)[] = [async () => folder[Symbol.asyncDispose]()];
  try {
    return await start();
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }

  async function start(): Promise<RunningServer> {
    const directory = openLmdbDirectory({
      path: join(folder.path, 'directory'),
      shards: folder.shards,
    });
    closers.push(() => directory.close());
    const policies = new PolicySource(directory);
    let policy: PolicySnapshot = await policies.snapshot(settings);
    const [startBits] = new Uint16Array(nodeRandom.bytes(2).slice().buffer);
    const engine = new EngineHost({
      shards: folder.shards,
      workers: workerCount(settings),
      threadData: { settings, epochs: epochWords(folder.shards), startBits: startBits! },
      clock: nodeClock,
      log,
      policy: () => policy,
      answers: { [engineAsks.resolve]: (ask) => resolveForEngine(directory, ask) },
    });
    closers.push(() => engine.close());
    await engine.start();

    const metrics = new Metrics();
    metrics.collectProcess();
    const budget = new ByteBudget(settings.memory.receivingBytesMax);
    metrics.gaugeOf('chaski_receiving_bytes', 'Bytes received and not yet journaled.', () => budget.bytes);
    const reception = createReception({
      router: engine.router,
      budget,
      ids: new MessageIdSource(nodeClock.nowMs, startBits!),
      clock: nodeClock,
      spoolShard: () => engine.spoolShard(),
    });
    const certificate = await loadCertificate(settings, settings.hostname, nodeClock);
    const tls = new ReloadableTls(certificate);
    const authenticate = createLogIn({ directory, jobs: engine.jobs });
    const listeners = new MailListeners({
      settings,
      reception,
      directory,
      tls,
      clock: nodeClock,
      log,
      observer: edgeObserver(metrics),
      authenticate,
    });
    const health = new Health({ engine, folder: folder.path });
    let http: HttpListener | undefined;
    let control: ControlServer | undefined;
    const addresses: Record<string, readonly string[]> = listeners.addresses;

    const reload = async (next: Settings) => {
      policy = await policies.snapshot(next);
      await engine.pushPolicy();
      listeners.reload(next);
      tls.load(await loadCertificate(next, next.hostname, nodeClock));
      log.info({}, 'settings and certificates were read again');
    };
    const handlers = controlHandlers({
      settings,
      version,
      startedMs,
      shards: folder.shards,
      directory,
      router: engine.router,
      jobs: engine.jobs,
      reception,
      addresses,
      clock: nodeClock,
      random: nodeRandom,
      isReady: () => health.readiness().isReady,
      policyChanged: async () => {
        policy = await policies.snapshot(settings);
        await engine.pushPolicy();
      },
    });
    control = await serveControl({
      path: controlSocketPath(settings),
      lock: { folder: folder.path },
      handlers,
      log,
    });
    closers.push(async () => control?.close());
    http = await listenHttp({
      addresses: [...settings.listen.http, ...settings.metrics.listen],
      hosts: [settings.hostname, ...settings.http.hosts],
      routes: probeRoutes({
        metrics: async () => await metrics.text(await engine.metricRows()),
        isAlive: () => true,
        readiness: () => health.readiness(),
      }),
      log,
    });
    closers.push(async () => http?.close());
    addresses['http'] = http.addresses.map(writeListenAddress);
    await listeners.open();
    closers.push(() => listeners.drain(settings.shutdown.drainMsMax));
    health.opened();
    return {
      addresses,
      isNew: folder.isNew,
      handlers,
      reload,
      stop: () => {
        health.draining();
        return closeAll(closers, log);
      },
    };
  }
}

/** Last opened, first closed: sessions, then HTTP and control, then the engine, the directory, the lock. */
async function closeAll(closers: (() => Promise<void>)[], log: Log): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      log.error({ detail: String(error) }, 'a part did not close');
    }
  }
}

/** An engine thread asks where a report to this address goes: as at RCPT, nobody when the address is not there. */
async function resolveForEngine(directory: AccountDirectory, ask: Ask): Promise<Answer> {
  const address = String(ask.meta);
  const at = address.lastIndexOf('@');
  if (at < 1) return failure('recipient-invalid', address);
  const resolution = await directory.resolve(address.slice(0, at), address.slice(at + 1));
  const remote: PackedRecipient = [address, 0, 0, 0, ''];
  if (resolution.kind === 'remote') return { ok: true, value: [remote] };
  if (resolution.kind !== 'resolved') return { ok: true, value: [] };
  const recipients = resolution.targets.map(
    (target): PackedRecipient =>
      target.kind === 'account'
        ? [target.address, target.account, target.shard, 0, '']
        : [target.address, 0, 0, 0, ''],
  );
  return { ok: true, value: recipients };
}
