/**
 * Server entry: settings, start, run until a signal, drain.
 *
 * Runs in:   main thread.
 * Invariant: exits 0 after a drain that lost nothing, 78 when settings are wrong, 1 when it could not start.
 */

import { readFileSync } from 'node:fs';
import { type RunningServer, startServer } from './app/server.ts';
import { MailError } from './base/errors.ts';
import { createLog } from './base/log.ts';
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
    process.on('SIGHUP', () => {
      const loaded = options.reload();
      if (loaded.ok) void server.reload(loaded.settings);
      else log.error({ faults: loaded.faults }, 'settings are wrong: the old ones stay');
    });
  });
  leaving?.();
  log.info({}, 'draining');
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
