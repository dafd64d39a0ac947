/** Runs one command line of the CLI in this process, on handlers of a store that is not there. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlHandlers } from '../../../src/actors/asks/control.ts';
import { main } from '../../../src/cli/main.ts';

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export interface CliOptions {
  readonly handlers?: ControlHandlers;
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
}

export async function runCli(line: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const folder = await mkdtemp(join(tmpdir(), 'chaski-cli-'));
  let [out, error] = ['', ''];
  const { handlers } = options;
  try {
    const code = await main(line, {
      streams: {
        out: { write: (text) => (out += text) },
        error: { write: (text) => (error += text) },
      },
      input: (async function* () {
        yield Buffer.from(options.input ?? '');
      })(),
      environment: { CHASKI_DATA: folder, ...options.environment },
      ...(handlers === undefined
        ? {}
        : { openOffline: async () => ({ handlers, close: async () => {} }) }),
    });
    return { code, out, error };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
