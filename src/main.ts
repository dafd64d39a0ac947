/**
 * Server entry: settings, start, run until a signal, drain.
 *
 * Runs in:   main thread.
 * Invariant: no signal and no file read again ends a running server but SIGTERM and SIGINT; exits 0 after a drain that
 *            lost nothing, 78 when settings are wrong, 1 when it could not start.
 */

import { readFileSync } from 'node:fs';
import { type RunningServer, startServer } from './app/server.ts';
import { MailError } from './base/errors.ts';
import { createLog, type Log } from './base/log.ts';
import type { Loaded } from './settings/load.ts';
import type { Settings } from './settings/schema.ts';

export interface ServeOptions {
  /** Reads the settings again, for SIGHUP. */
  readonly reload: () => Loaded;
  /** Called once everything listens; what it returns is called before the drain. */
  readonly onReady?: (server: RunningServer) => Promise<() => void>;
}

/** Resolves to the exit code once drained. */
export async function serve(settings: Settings, options: ServeOptions): Promise<number> {
  const log = createLog(settings.log.level);
  // Node ends at a SIGHUP nobody listens to: one that comes during the start is done once it is over.
  let isHungUp = false;
  let hangUp = () => {
    isHungUp = true;
  };
  process.on('SIGHUP', () => hangUp());
  let server: RunningServer;
  try {
    server = await startServer({ settings, log, version: packageVersion() });
  } catch (error) {
    const detail = error instanceof MailError ? error.detail : String(error);
    log.error({ detail }, 'cannot start');
    return error instanceof MailError && error.code === 'argument-invalid' ? 78 : 1;
  }
  const faults = server.faults();
  if (faults.length > 0) log.error({ faults }, 'running, but not whole: see /readyz');
  log.info({ ...server.addresses, data: settings.data.dir }, 'ready');
  const leaving = await options.onReady?.(server);
  await new Promise<void>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    hangUp = () => void reload(server, options, log);
    if (isHungUp) hangUp();
  });
  leaving?.();
  log.info({}, 'draining');
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

async function reload(server: RunningServer, options: ServeOptions, log: Log): Promise<void> {
  const loaded = options.reload();
  if (!loaded.ok) {
    log.error({ faults: loaded.faults }, 'settings are wrong: the old ones stay');
    return;
  }
  try {
    await server.reload(loaded.settings);
  } catch (error) {
    log.error({ detail: String(error) }, 'not all could be read again: the rest stays as it was');
  }
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
