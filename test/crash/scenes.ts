/**
 * What a crash run sends and where it goes: a plain relay, or messages that touch every shard and
 * two sites.
 *
 * Runs in: crash runs.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly loadArguments: readonly string[];
  /** Settings beside those of a relay to the first site, whose listener is on `port`. */
  environment(sitePorts: readonly number[], port: number): Environment;
  /** Runs against the server before there is any load. */
  prepare?(folder: string): Promise<void>;
  /** Enters what the accounts hold; answers copies that stand in an account twice. */
  collect?(folder: string, ledger: string): Promise<number>;
}

export const relayScene: Scene = {
  name: 'relay',
  siteCount: 1,
  copiesPerTransaction: 1,
  loadArguments: ['--to', 'user{1-1000}@example.com'],
  environment: () => ({}),
};

export const localDomain = 'local.test';
const sites = ['one.test', 'two.test'] as const;
const perSite = 2;
/** Accounts are dealt to shards in turn: with twice as many as shards, none is left out. */
const accountCount = 16;
const accounts = Array.from({ length: accountCount }, (_, i) => `user${i + 1}@${localDomain}`);

export const mixedScene: Scene = {
  name: 'mixed',
  siteCount: sites.length,
  copiesPerTransaction: perSite,
  loadArguments: ['--to', 'recipients', '--recipients', `${accountCount + sites.length * perSite}`],
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

/**
 * One address a line, for `chaski load --to FILE`; every message of the mixed scene goes to all of
 * them.
 */
export function mixedRecipients(): string {
  const remote = sites.flatMap((site) =>
    Array.from({ length: perSite }, (_, i) => `remote${i + 1}@${site}`),
  );
  return `${[...accounts, ...remote].join('\n')}\n`;
}

/** Mail for accounts only, over LMTP: each recipient is answered by its own shard. */
export const lmtpScene: Scene = {
  ...mixedScene,
  name: 'lmtp',
  loadArguments: [
    '--to',
    `user{1-${accountCount}}@${localDomain}`,
    '--recipients',
    `${accountCount}`,
  ],
  environment: (ports, port) => ({
    ...mixedScene.environment(ports, port),
    CHASKI_LISTEN__SMTP: '',
    CHASKI_LISTEN__LMTP: `127.0.0.1:${port}`,
  }),
};

export const scenes: readonly Scene[] = [relayScene, mixedScene];
