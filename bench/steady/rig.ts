/**
 * A Chaski for a scene, with its probes listening, in a folder of its own.
 *
 * Runs in: bench.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, startChaski } from '../servers/chaski.ts';
import { freePort } from '../servers/free-port.ts';
import type { ServerUnderTest } from '../servers/server.ts';

export interface SteadyRig {
  readonly server: ServerUnderTest;
  readonly folder: string;
  readonly httpPort: number;
  readonly lmtpPort: number;
  stop(): Promise<void>;
}

/** Nothing but what the operator of a busy server sets; `environment` adds to it. */
export async function startRig(
  work: string,
  nextHopPort: number,
  environment: Environment = {},
): Promise<SteadyRig> {
  const folder = mkdtempSync(join(work, 'steady-'));
  const httpPort = await freePort();
  const lmtpPort = await freePort();
  const place = { folder, nextHopPort };
  const server = await startChaski(place, {
    name: 'chaski',
    environment: {
      CHASKI_LISTEN__HTTP: `127.0.0.1:${httpPort}`,
      CHASKI_LISTEN__LMTP: `127.0.0.1:${lmtpPort}`,
      ...environment,
    },
  });
  return {
    server,
    folder,
    httpPort,
    lmtpPort,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
