/**
 * A stopped store, opened by a command: the engine without listeners, and no mail leaves.
 *
 * Runs in:   the CLI's process.
 * Invariant: holds the data folder's lock while it is open, so no server can start meanwhile.
 */

import type { ControlHandlers } from '../actors/asks/control.ts';
import { createLog } from '../base/log.ts';
import type { Settings } from '../settings/schema.ts';
import { closeAll, openCore } from './core.ts';
import { coreHandlers } from './core-handlers.ts';

export interface OfflineStore {
  readonly handlers: ControlHandlers;
  close(): Promise<void>;
}

/** @throws MailError `not-possible-now` while another process has the folder. */
export async function openOffline(settings: Settings): Promise<OfflineStore> {
  // A command's standard output is its result: what the engine has to say goes to standard error.
  const quiet = { ...settings, log: { ...settings.log, level: 'silent' as const } };
  const log = createLog('warn', {}, { descriptor: 2 });
  const core = await openCore({ settings: quiet, log, isOffline: true });
  const handlers = coreHandlers(core, {
    settings,
    version: '',
    addresses: {},
    isReady: () => false,
    certificates: undefined,
    logInSources: undefined,
  });
  return { handlers, close: () => closeAll(core.closers, log) };
}
