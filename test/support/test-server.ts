/**
 * The real server in this process: random ports, a data folder of its own, gone with everything in it afterwards.
 *
 * `await using test = await startTestServer({ 'relay.networks': '127.0.0.0/8' });`
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ControlHandlers,
  ControlMethod,
  ControlParams,
  ControlResult,
} from '../../src/actors/asks/control.ts';
import { askedHere } from '../../src/actors/asks/principal.ts';
import { type RunningServer, startServer } from '../../src/app/server.ts';
import { emptyBytes } from '../../src/base/bytes.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { load } from '../../src/settings/load.ts';
import type { Settings } from '../../src/settings/schema.ts';

/** Settings by dotted path, as `--set` takes them. */
export type SettingsGiven = Readonly<Record<string, string>>;

const anyPort = '127.0.0.1:0';

const defaults: SettingsGiven = {
  hostname: 'mx.test',
  shards: '4',
  workers: '1',
  'log.level': 'silent',
  'listen.smtp': anyPort,
  'listen.submission': anyPort,
  'listen.submissions': '',
  'listen.lmtp': anyPort,
  'listen.http': '',
  'listen.imap': '',
  'listen.imaps': '',
  'listen.pop3': '',
  'listen.pop3s': '',
  'listen.managesieve': '',
  'relay.networks': '127.0.0.0/8',
  // A test that ends does not wait for clients it forgot.
  'shutdown.drainMsMax': '1s',
};

export interface TestServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly settings: Settings;
  /** Of 127.0.0.1, by listener: `ports.smtp`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Asks as an operator's command does, without the socket. */
  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>>;
  /** Holds `data` and what the test puts there. */
  readonly folder: string;
  /** Stops the server and leaves its data folder, to start another on it or to open it stopped. */
  stop(): Promise<void>;
}

export interface TestServerPlace {
  /** A folder to keep; the default is a new one that is removed in the end. */
  readonly folder?: string;
  /** By what reports of each day leave. */
  readonly reportClock?: Clock;
}

export async function startTestServer(
  overrides: SettingsGiven = {},
  place: TestServerPlace = {},
): Promise<TestServer> {
  const folder = place.folder ?? mkdtempSync(join(tmpdir(), 'chaski-test-'));
  const settings = testSettings(folder, overrides);
  const { reportClock } = place;
  const server = await startServer({
    ...{ settings, log: silentLog, version: '0.0.0' },
    ...(reportClock === undefined ? {} : { reportClock }),
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server.stop();
    return stopping;
  };
  return {
    server,
    settings,
    ports: portsOf(server),
    call: (method, params) => callOn(server.handlers, method, params),
    folder,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (place.folder === undefined) rmSync(folder, { recursive: true });
    },
  };
}

/** What `call` does, on any table of handlers; items handed out on the way are dropped. */
export async function callOn<M extends ControlMethod>(
  handlers: ControlHandlers,
  method: M,
  params: ControlParams<M>,
  body: Buffer = emptyBytes as Buffer,
): Promise<ControlResult<M>> {
  const handler = handlers[method];
  if (handler === undefined) throw new Error(`nobody answers ${method}`);
  const { signal } = new AbortController();
  return await handler(params, { by: askedHere, body, signal, emit: async () => {} });
}

/** A machine that does much else is slow, not wrong. */
const patienceMs = 60_000;

/** Resolves to the first answer of `look` that is not undefined; fails after `patienceMs`. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

/** The settings a test server in `folder` runs with: for `openOffline` on its stopped store, too. */
export function testSettings(folder: string, overrides: SettingsGiven = {}): Settings {
  const given = { ...defaults, 'data.dir': join(folder, 'data'), ...overrides };
  const assignments = Object.entries(given).map(([path, value]) => `${path}=${value}`);
  const loaded = load({ environment: {}, assignments });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.settings;
}

function portsOf(server: RunningServer): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [listener, [address]] of Object.entries(server.addresses)) {
    if (address !== undefined)
      ports[listener] = Number(address.slice(address.lastIndexOf(':') + 1));
  }
  return ports;
}
