/**
 * What a crash run sends and where it goes: a plain relay, or messages that touch every shard and
 * two sites. The load itself is a scenario of the harness, in `scenarios/`.
 *
 * Runs in: crash runs.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAccounts } from '../../bench/lmtp/accounts.ts';
import { type Environment, runCommand } from '../../bench/servers/chaski.ts';
import { importFolder } from '../../src/harness/ledger/import-folder.ts';
import { LedgerWriter } from '../../src/harness/ledger/ledger-writer.ts';

export interface Scene {
  readonly name: string;
  /** Sites to relay to: addresses the sink listens on. */
  readonly siteCount: number;
  /** The most recipients that one outbound transaction carries: what one repeat may double. */
  readonly copiesPerTransaction: number;
  /** The load that is on while the server is killed: a file for `chaski load run`. */
  readonly scenario: string;
  /** How the sink behaves: a file for `chaski sink --model`; as fast as it can when left out. */
  readonly sinkModel?: string;
  /** Some recipients are refused for good: their senders must hear of it, and do in the same ledger. */
  readonly reportsFailures?: true;
  /** Settings beside those of a relay to the first site, whose listener is on `port`. */
  environment(sitePorts: readonly number[], port: number): Environment;
  /** Runs against the server before there is any load. */
  prepare?(folder: string): Promise<void>;
  /** Further mail that is handed in while the server is killed, beside the scenario's. */
  inject?(ledger: string): { stop(): Promise<void>; readonly acknowledged: number };
  /** Enters what the accounts hold; answers copies that stand in an account twice. */
  collect?(folder: string, ledger: string): Promise<number>;
}

const scenariosFolder = fileURLToPath(new URL('./scenarios/', import.meta.url));

export const relayScene: Scene = {
  name: 'relay',
  siteCount: 1,
  copiesPerTransaction: 1,
  scenario: scenarioFile('relay'),
  environment: () => ({}),
};

export const localDomain = 'local.test';
const sites = ['one.test', 'two.test'] as const;
const perSite = 2;
/** Accounts are dealt to shards in turn: with twice as many as shards, none is left out. */
const accountCount = 16;
export const accounts = Array.from(
  { length: accountCount },
  (_, i) => `user${i + 1}@${localDomain}`,
);
export const remotes = sites.flatMap((site) =>
  Array.from({ length: perSite }, (_, i) => `remote${i + 1}@${site}`),
);

export const mixedScene: Scene = {
  name: 'mixed',
  siteCount: sites.length,
  copiesPerTransaction: perSite,
  scenario: scenarioFile('mixed'),
  environment: (ports) => ({
    CHASKI_SHARDS: '8',
    CHASKI_RELAY__ROUTES: sites.map((site, i) => `${site}=smtp://127.0.0.1:${ports[i]}`).join(','),
  }),

  async prepare(folder) {
    await createAccounts(folder, localDomain, accountCount);
    const listed = await runCommand(['account', 'list', '--json'], { folder });
    const shards = new Set(Array.from(listed.matchAll(/"shard":(\d+)/g), (match) => match[1]));
    if (shards.size !== 8) throw new Error(`the accounts are on ${shards.size} of 8 shards`);
  },

  async collect(folder, ledger) {
    const writer = new LedgerWriter(ledger);
    let repeated = 0;
    for (const account of accounts) {
      const mail = join(folder, 'mail', account);
      mkdirSync(mail, { recursive: true });
      await runCommand(['mailbox', 'export', account, '--to', mail], { folder });
      repeated += importFolder(mail, account, writer).repeated;
    }
    writer.close();
    return repeated;
  },
};

/** One message to all of them, for kills that are aimed. */
export const aimedMixedScene: Scene = { ...mixedScene, scenario: scenarioFile('one-mixed') };

/** Mail for accounts only, over LMTP: each recipient is answered by its own shard. */
export const aimedLmtpScene: Scene = {
  ...mixedScene,
  name: 'lmtp',
  scenario: scenarioFile('one-lmtp'),
  environment: (ports, port) => ({
    ...mixedScene.environment(ports, port),
    CHASKI_LISTEN__SMTP: '',
    CHASKI_LISTEN__LMTP: `127.0.0.1:${port}`,
  }),
};

export const scenes: readonly Scene[] = [relayScene, mixedScene];

export function scenarioFile(name: string): string {
  return `${scenariosFolder}${name}.yaml`;
}
