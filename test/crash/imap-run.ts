/**
 * Kills a real server again and again under IMAP sessions that append, store, copy, move, expunge, create, rename
 * and delete, and compares all mail with what was answered after each kill.
 *
 * Runs in:   crash runs: the sessions are here, the server is a process of its own and dies.
 * Invariant: what was answered OK is there, once, as it was answered; what was not is done or not; UIDVALIDITY,
 *            UIDs and modseqs never go back; a client that kept its mail catches up by QRESYNC.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Environment, logTail, relayEnvironment, serve } from '../../bench/servers/chaski.ts';
import { freePort, untilGreets } from '../../bench/servers/free-port.ts';
import { openControl } from '../../src/cli/control-client.ts';
import type { Child } from '../../src/harness/child.ts';
import { SeededRandom } from '../../src/harness/seeded-random.ts';
import { loadOrThrow } from '../../src/settings/load.ts';
import { ImapClient } from '../support/imap-client.ts';
import { MailLedger } from '../support/mail-ledger.ts';
import { type KeptMail, lookAtAll } from '../support/mail-look.ts';
import { MailWalk } from '../support/mail-walk.ts';

const domain = 'local.test';
const password = 'correct horse';
const readyMsMax = 30_000;
/** Of starts: how many are killed before they are done, and how late. */
const earlyKillShare = 0.15;
const earlyMsMax = 1_500;
const sharedMailboxes = ['INBOX', 'Archive', 'Shared/Below'];
/** One message in so many stands in a file of its own. */
const largeEvery = 60;

export interface ImapCrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Accounts, each on a shard of its own. */
  readonly accounts: number;
  /** Sessions of each account. */
  readonly sessions: number;
  /** A round lives this long at most once all are logged in. */
  readonly roundMsMax: number;
  readonly say: (line: string) => void;
}

export interface ImapCrashReport {
  readonly seed: number;
  readonly kills: number;
  /** Beside those: while the server was starting. */
  readonly earlyKills: number;
  /** Commands that changed something. */
  readonly answered: number;
  /** Open when the server died. */
  readonly unanswered: number;
  readonly messages: number;
  readonly faults: readonly string[];
  /** Kept where there are faults. */
  readonly folder: string;
}

/** One account: what is known of it, and who uses it. */
interface Player {
  readonly address: string;
  readonly ledger: MailLedger;
  readonly kept: KeptMail;
  readonly walks: readonly MailWalk[];
}

export async function runImapCrash(options: ImapCrashOptions): Promise<ImapCrashReport> {
  const run = new ImapCrashRun(options, await freePort());
  try {
    const report = await run.run();
    if (report.faults.length === 0) rmSync(report.folder, { recursive: true });
    return report;
  } finally {
    await run.stop();
  }
}

class ImapCrashRun {
  readonly #options: ImapCrashOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'chaski-crash-'));
  readonly #port: number;
  readonly #environment: Environment;
  readonly #random: SeededRandom;
  readonly #players: readonly Player[];
  readonly #faults: string[] = [];
  #server: Child | undefined;
  #messages = 0;
  #earlyKills = 0;

  constructor(options: ImapCrashOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.#random = new SeededRandom(options.seed);
    this.#environment = {
      ...relayEnvironment(join(this.#folder, 'data'), port, 9),
      CHASKI_LISTEN__SMTP: '',
      CHASKI_LISTEN__IMAP: `127.0.0.1:${port}`,
      CHASKI_SHARDS: '2',
      // Sessions are cut off at once when the last server is told to stop.
      CHASKI_SHUTDOWN__DRAIN_MS_MAX: '1s',
    };
    this.#players = Array.from({ length: options.accounts }, (_, i) => this.#player(i));
  }

  #player(number: number): Player {
    const ledger = new MailLedger();
    const walks = Array.from({ length: this.#options.sessions }, (_, writer) => {
      const chance = () => this.#random.fraction();
      const refused = (answer: string) => void this.#faults.push(`refused: ${answer}`);
      const shared = sharedMailboxes;
      return new MailWalk({ ledger, writer, chance, shared, largeEvery, refused });
    });
    return { address: `user${number + 1}@${domain}`, ledger, kept: new Map(), walks };
  }

  async run(): Promise<ImapCrashReport> {
    await this.#serve();
    await this.#fill();
    for (let round = 1; round <= this.#options.rounds && this.#faults.length === 0; round++) {
      await this.#playUntilKilled(round);
      await this.#serve();
      for (const player of this.#players) await this.#check(player);
    }
    const { code } = await this.#server!.stop('SIGTERM', readyMsMax);
    if (code !== 0) this.#faults.push(`the last server ended with ${code}`);
    const sum = (count: (ledger: MailLedger) => number) =>
      this.#players.reduce((all, { ledger }) => all + count(ledger), 0);
    const answered = sum((ledger) => ledger.answered);
    if (answered === 0) this.#faults.push('nothing was answered: this proves nothing');
    return {
      seed: this.#options.seed,
      kills: this.#options.rounds,
      earlyKills: this.#earlyKills,
      answered,
      unanswered: sum((ledger) => ledger.unanswered),
      messages: this.#messages,
      faults: this.#faults,
      folder: this.#folder,
    };
  }

  async stop(): Promise<void> {
    await this.#server?.stop('SIGKILL');
  }

  /** Now and then killed once on the way: what a start had to mend is mended by the next. */
  async #serve(): Promise<void> {
    if (this.#random.fraction() < earlyKillShare) {
      this.#earlyKills++;
      const early = serve(this.#environment, this.#folder);
      await sleep(this.#random.fraction() * earlyMsMax);
      await early.stop('SIGKILL');
    }
    const server = serve(this.#environment, this.#folder);
    this.#server = server;
    try {
      await untilGreets(this.#port, readyMsMax, () => server.isRunning);
    } catch (error) {
      throw new Error(`no server in ${this.#folder}\n${logTail(this.#folder)}`, { cause: error });
    }
  }

  async #fill(): Promise<void> {
    const environment = { CHASKI_DATA: join(this.#folder, 'data') };
    const control = await openControl(loadOrThrow({ environment }));
    try {
      await control.call('domain.create', { name: domain });
      for (const { address } of this.#players) {
        await control.call('account.create', { address, password });
      }
    } finally {
      await control.close();
    }
    for (const player of this.#players) {
      const client = await this.#logIn(player);
      for (const name of sharedMailboxes) await client.run(`CREATE "${name}"`);
      player.ledger.adopt((await lookAtAll(client, player.kept)).found);
      client.destroy();
    }
  }

  async #logIn({ address }: Player): Promise<ImapClient> {
    const client = await ImapClient.connect(this.#port, { isLiteralPlus: true });
    await client.response();
    await client.ok('STARTTLS');
    await client.startTls();
    await client.ok(`LOGIN ${address} "${password}"`);
    return client;
  }

  async #playUntilKilled(round: number): Promise<void> {
    const server = this.#server!;
    const beganMs = performance.now();
    let isKilled = false;
    const playing = this.#players.flatMap((player) =>
      player.walks.map(async (walk) => {
        try {
          walk.connected(await this.#logIn(player));
          while (!isKilled) await walk.step();
        } catch (error) {
          // What a killed server leaves unanswered stays open in the ledger.
          if (!isKilled) this.#faults.push(`a session failed: ${String(error)}`);
        } finally {
          walk.client?.destroy();
        }
      }),
    );
    await sleep(200 + this.#random.fraction() * this.#options.roundMsMax);
    if (!server.isRunning) throw new Error(`the server ended\n${logTail(this.#folder)}`);
    isKilled = true;
    await server.stop('SIGKILL');
    await Promise.allSettled(playing);
    const livedMs = Math.round(performance.now() - beganMs);
    this.#options.say(`round ${round}: killed after ${livedMs} ms`);
  }

  async #check(player: Player): Promise<void> {
    const client = await this.#logIn(player);
    const { found, faults } = await lookAtAll(client, player.kept);
    client.destroy();
    const wrong = [...player.walks.flatMap((walk) => walk.faults), ...faults];
    wrong.push(...player.ledger.check(found));
    this.#faults.push(...wrong.map((fault) => `${player.address}: ${fault}`));
    this.#messages = Math.max(this.#messages, ...found.map(({ messages }) => messages.length));
  }
}

export function describeImapCrash(report: ImapCrashReport): string {
  return [
    `imap, seed ${report.seed}: ${report.kills} kills, and ${report.earlyKills} while starting`,
    `${report.answered} changes answered, ${report.unanswered} under way at the kills`,
    `${report.messages} messages in the fullest mailbox`,
    report.faults.length === 0
      ? 'verdict: nothing lost, doubled or brought back'
      : `verdict: ${report.faults.slice(0, 20).join('\n  ')}\n  see ${report.folder}`,
  ].join('\n');
}
