/**
 * Answers operators' calls on the control socket.
 *
 * Runs in:   main thread.
 * Invariant: what changes the directory is durable before it is answered, and engine threads know of it.
 */

import type { ControlHandlers } from '../actors/asks/control.ts';
import type { Reception } from '../actors/asks/reception.ts';
import type { AccountDirectory } from '../ports/account-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Settings } from '../settings/schema.ts';
import type { EngineHost } from './engine-host.ts';

export interface ControlParts {
  readonly settings: Settings;
  readonly version: string;
  readonly startedMs: number;
  readonly directory: AccountDirectory;
  readonly engine: EngineHost;
  readonly reception: Reception;
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly isReady: () => boolean;
  /** Domains or keys changed: engine threads must be told. */
  readonly policyChanged: () => Promise<void>;
}

export function controlHandlers(parts: ControlParts): ControlHandlers {
  return {
    'server.status': () => ({
      version: parts.version,
      processId: process.pid,
      startedMs: parts.startedMs,
      isReady: parts.isReady(),
      listeners: parts.addresses,
    }),
  };
}
