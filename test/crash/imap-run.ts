/**
 * Kills a real server again and again under IMAP sessions that append, store, copy, move, expunge, create, rename
 * and delete, in their own account and in what another shares, and POP3 sessions that delete; and compares all mail
 * with what was answered after each kill.
 *
 * Runs in:   crash runs: the sessions are here, the server is a process of its own and dies. Something else may use the
 *            same accounts beside them (`beside.ts`).
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
import { type FoundMailbox, MailLedger } from '../support/mail-ledger.ts';
import { type KeptMail, lookAt, lookAtAll } from '../support/mail-look.ts';
import { merged, type ViewersLook } from '../support/mail-views.ts';
import { MailWalk } from '../support/mail-walk.ts';
import { MailWitness } from '../support/mail-witness.ts';
import { Pop3Walk } from '../support/pop3-walk.ts';
import { WireClient } from '../support/wire-client.ts';
import type { Beside } from './beside.ts';

const domain = 'local.test';
const password = 'correct horse';
const readyMsMax = 90_000;
/** Of starts: how many are killed before they are done, and how late. */
const earlyKillShare = 0.15;
const earlyMsMax = 1_500;
const firstMailboxes = ['INBOX', 'Archive', 'Shared/Below'];
/** The others of all accounts may use these too. */
const sharedMailboxes = ['Archive', 'Shared/Below'];
const sharedRights = 'lrswite';
/** One message in so many stands in a file of its own. */
const largeEvery = 60;
const witnessEveryMs = 100;
const pop3EveryMs = 20;
/** A mailbox that nothing else empties is emptied above so many messages. */
const thinAbove = 1_000;

export interface ImapCrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Accounts, each on a shard of its own. */
  readonly accounts: number;
  /** Sessions of each account. */
  readonly sessions: number;
  /** A round lives this long at most once all are logged in. */
  readonly roundMsMax: number;
  readonly beside?: Beside;
  readonly say: (line: string) => void;
}

export interface ImapCrashReport {
  readonly scene: string;
  readonly seed: number;
  readonly kills: number;
  /** Beside those: while the server was starting. */
  readonly earlyKills: number;
  /** Commands that changed something. */
  readonly answered: number;
  /** Open when the server died. */
  readonly unanswered: number;
  /** Found in two accounts, for the move was cut off, and moved again. */
  readonly movedAgain: number;
  /** QUITs answered. */
  readonly quits: number;
  readonly messages: number;
  /** What else was going on. */
  readonly beside: string;
  readonly faults: readonly string[];
  /** Kept where there are faults. */
  readonly folder: string;
}

/** One account: what it kept, and who uses it. */
interface Player {
  readonly address: string;
  readonly kept: KeptMail;
  readonly walks: readonly MailWalk[];
  readonly pop3: Pop3Walk;
}

export async function runImapCrash(options: ImapCrashOptions): Promise<ImapCrashReport> {
  const run = new ImapCrashRun(options, await freePort(), await freePort());
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
  readonly #pop3Port: number;
  readonly #environment: Environment;
  readonly #random: SeededRandom;
  readonly #ledger = new MailLedger();
  readonly #players: readonly Player[];
  readonly #faults: string[] = [];
  readonly #witness = new MailWitness();
  #server: Child | undefined;
  #messages = 0;
  #movedAgain = 0;
  #earlyKills = 0;

  constructor(options: ImapCrashOptions, port: number, pop3Port: number) {
    this.#options = options;
    this.#port = port;
    this.#pop3Port = pop3Port;
    this.#random = new SeededRandom(options.seed);
    this.#environment = {
      ...relayEnvironment(join(this.#folder, 'data'), port, 9),
      CHASKI_LISTEN__SMTP: '',
      CHASKI_LISTEN__IMAP: `127.0.0.1:${port}`,
      CHASKI_LISTEN__POP3: `127.0.0.1:${pop3Port}`,
      CHASKI_SHARDS: '2',
      // Sessions are cut off at once when the last server is told to stop.
      CHASKI_SHUTDOWN__DRAIN_MS_MAX: '1s',
      ...options.beside?.environment,
    };
    this.#players = Array.from({ length: options.accounts }, (_, i) => this.#player(i));
  }

  #player(number: number): Player {
    const { accounts, sessions } = this.#options;
    const viewer = addressOf(number);
    const shared = Array.from({ length: accounts }, (_, owner) => {
      const names = owner === number ? firstMailboxes : sharedMailboxes;
      return names.map((name) => `${addressOf(owner)}/${name}`);
    }).flat();
    const ledger = this.#ledger;
    const chance = () => this.#random.fraction();
    const refused = (answer: string) => void this.#faults.push(`refused: ${answer}`);
    const walks = Array.from({ length: sessions }, (_, session) => {
      const writer = number * sessions + session;
      return new MailWalk({ ledger, viewer, writer, chance, shared, largeEvery, refused });
    });
    const inbox = `${viewer}/INBOX`;
    const pop3 = new Pop3Walk({ ledger, chance, address: viewer, password, inbox, refused });
    return { address: viewer, kept: new Map(), walks, pop3 };
  }

  async run(): Promise<ImapCrashReport> {
    await this.#serve();
    await this.#fill();
    for (let round = 1; round <= this.#options.rounds && this.#faults.length === 0; round++) {
      await this.#playUntilKilled(round);
      await this.#serve();
      await this.#check();
    }
    const { code } = await this.#server!.stop('SIGTERM', readyMsMax);
    if (code !== 0) this.#faults.push(`the last server ended with ${code}`);
    const { answered, unanswered } = this.#ledger;
    if (answered === 0) this.#faults.push('nothing was answered: this proves nothing');
    return {
      scene: this.#options.beside?.name ?? 'imap',
      seed: this.#options.seed,
      kills: this.#options.rounds,
      earlyKills: this.#earlyKills,
      answered,
      unanswered,
      movedAgain: this.#movedAgain,
      quits: this.#players.reduce((sum, { pop3 }) => sum + pop3.quits, 0),
      messages: this.#messages,
      beside: this.#options.beside?.told() ?? '',
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
      for (const name of [...firstMailboxes, ...this.#foreign]) {
        await client.run(`CREATE "${name}"`);
      }
      const others = this.#players.filter((other) => other !== player);
      for (const { address } of others) {
        for (const name of sharedMailboxes) {
          await client.ok(`SETACL "${name}" ${address} ${sharedRights}`);
        }
      }
      client.destroy();
    }
    const { found, faults } = await this.#look();
    this.#ledger.adopt(found);
    this.#faults.push(...faults);
  }

  /** Mailboxes that no ledger knows. */
  get #foreign(): readonly string[] {
    return this.#options.beside?.mailboxes ?? [];
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
    const { beside, accounts } = this.#options;
    beside?.begin({ folder: this.#folder, port: this.#port, password, accounts });
    for (const player of this.#players) {
      playing.push(
        this.#watch(player, () => isKilled),
        this.#pop(player, () => isKilled),
      );
    }
    await sleep(200 + this.#random.fraction() * this.#options.roundMsMax);
    if (!server.isRunning) throw new Error(`the server ended\n${logTail(this.#folder)}`);
    isKilled = true;
    const [ended] = await Promise.all([beside?.end() ?? [], server.stop('SIGKILL')]);
    this.#faults.push(...ended);
    await Promise.allSettled(playing);
    const livedMs = Math.round(performance.now() - beganMs);
    this.#options.say(`round ${round}: killed after ${livedMs} ms`);
  }

  async #pop({ pop3 }: Player, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        const client = await WireClient.connect(this.#pop3Port);
        await client.line();
        client.send(Buffer.from('STLS\r\n'));
        await client.line();
        await client.startTls();
        await pop3.session(client);
        client.destroy();
      } catch (error) {
        if (!isOver()) this.#faults.push(`a POP3 session failed: ${String(error)}`);
      }
      await sleep(pop3EveryMs);
    }
  }

  /** Looks at what no ledger knows, until the server dies. */
  async #watch(player: Player, isOver: () => boolean): Promise<void> {
    if (this.#foreign.length === 0) return;
    try {
      const client = await this.#logIn(player);
      await client.ok('ENABLE QRESYNC');
      while (!isOver()) {
        for (const name of this.#foreign) {
          const { mailbox } = await lookAt(client, name);
          this.#faults.push(...this.#witness.look(player.address, mailbox));
        }
        await sleep(witnessEveryMs);
      }
      client.destroy();
    } catch (error) {
      if (!isOver()) this.#faults.push(`a witness failed: ${String(error)}`);
    }
  }

  async #check(): Promise<void> {
    const { found, faults } = await this.#look();
    const wrong = this.#players.flatMap(({ walks, pop3 }) => [
      ...walks.flatMap((walk) => walk.faults),
      ...pop3.faults,
    ]);
    this.#faults.push(...wrong, ...faults, ...this.#ledger.check(found));
    this.#movedAgain += this.#ledger.halfMoved.length;
    this.#messages = Math.max(this.#messages, ...found.map(({ messages }) => messages.length));
  }

  /** All that the ledger knows; what it does not is left to the witness. */
  async #look(): Promise<ReturnType<typeof merged>> {
    const looks: ViewersLook[] = [];
    const wrong: string[] = [];
    const isForeign = ({ name }: FoundMailbox) => this.#foreign.includes(name);
    for (const player of this.#players) {
      const { address: viewer, kept } = player;
      const client = await this.#logIn(player);
      const { found, faults } = await lookAtAll(client, kept);
      wrong.push(...faults.map((fault) => `${viewer}: ${fault}`));
      looks.push({ viewer, found: found.filter((one) => !isForeign(one)) });
      for (const one of found.filter(isForeign)) {
        wrong.push(...this.#witness.look(viewer, one));
        if (one.messages.length > thinAbove) await empty(client, one.name);
      }
      client.destroy();
    }
    const { found, faults } = merged(looks);
    return { found, faults: [...wrong, ...faults] };
  }
}

function addressOf(number: number): string {
  return `user${number + 1}@${domain}`;
}

async function empty(client: ImapClient, name: string): Promise<void> {
  await client.ok(`SELECT "${name}"`);
  await client.ok('UID STORE 1:* +FLAGS.SILENT (\\Deleted)');
  await client.ok('EXPUNGE');
}

export function describeImapCrash(report: ImapCrashReport): string {
  return [
    `${report.scene}, seed ${report.seed}: ${report.kills} kills, and ${report.earlyKills} while starting`,
    `${report.answered} changes answered, ${report.unanswered} under way at the kills`,
    `${report.quits} of them by QUIT of POP3`,
    `${report.movedAgain} messages stood in two accounts after a kill, and were moved again`,
    `${report.messages} messages in the fullest mailbox`,
    ...(report.beside === '' ? [] : [report.beside]),
    report.faults.length === 0
      ? 'verdict: nothing lost, doubled or brought back'
      : `verdict: ${report.faults.slice(0, 20).join('\n  ')}\n  see ${report.folder}`,
  ].join('\n');
}
