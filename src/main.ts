/**
 * Server entry: settings, start, run until a signal, drain.
 *
 * Runs in:   main thread.
 * Invariant: exits 0 after a drain that lost nothing, 78 when settings are wrong, 1 when it could not start.
 */

import { readFileSync } from 'node:fs';
import { startServer } from './app/server.ts';
import { MailError } from './base/errors.ts';
import { createLog } from './base/log.ts';
import type { Loaded } from './settings/load.ts';
import type { Settings } from './settings/schema.ts';

export interface ServeOptions {
  /** Reads the settings again, for SIGHUP. */
  readonly reload: () => Loaded;
  /** Called once everything listens. */
  readonly onReady?: (server: Awaited<ReturnType<typeof startServer>>) => Promise<void> | void;
}

/** Resolves to the exit code once drained. */
export async function serve(settings: Settings, options: ServeOptions): Promise<number> {
  const log = createLog(settings.log.level);
  let server: Awaited<ReturnType<typeof startServer>>;
  try {
    server = await startServer({ settings, log, version: packageVersion() });
  } catch (error) {
    const detail = error instanceof MailError ? error.detail : String(error);
    log.error({ detail }, 'cannot start');
    return error instanceof MailError && error.code === 'argument-invalid' ? 78 : 1;
  }
  log.info({ ...server.addresses, data: settings.data.dir }, 'ready');
  await options.onReady?.(server);
  await new Promise<void>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    process.on('SIGHUP', () => {
      const loaded = options.reload();
      if (loaded.ok) void server.reload(loaded.settings);
      else log.error({ faults: loaded.faults }, 'settings are wrong: the old ones stay');
    });
  });
  log.info({}, 'draining');
  await server.stop();
  log.info({}, 'stopped');
  return 0;
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
