/**
 * Dovecot's imaptest as it stresses a server that is killed meanwhile: it keeps track of what each of its sessions was
 * told, and says what cannot be.
 *
 * Runs in: crash runs, where imaptest was built (docs/reference/imaptest.md).
 * Limits:  what it says after the kill of lost connections is no fault.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../src/harness/child.ts';
import { messageOf, textOf } from '../support/mail-text.ts';
import type { Beside, Place } from './beside.ts';

export const stressMailbox = 'Stress';
export const stressTarget = 'Stressed';
/** The writer of its messages, beside those of the walks. */
const writer = 9;
const messageCount = 300;
const endMsMax = 5_000;
/** What a session says whose server died, or whose command it left unanswered. */
const lostConnection = /^(?:Error: (?:Client disconnected|connect\(\) failed)|Info: )/;
/**
 * Beside what it does by itself: log in, list, select, fetch, flag, copy, append, expunge, log out. Not SEARCH: it
 * misses messages there that others expunged, and that it was not told of yet.
 */
const states = ['uidfetch=50', 'move=20', 'noop=30'];

export interface StressOptions {
  /** Of the program. */
  readonly path: string;
  readonly clients: number;
  readonly seed: number;
}

export class ImaptestStress implements Beside {
  readonly name = 'imaptest';
  readonly mailboxes = [stressMailbox, stressTarget];
  // It does not speak STARTTLS.
  readonly environment = { CHASKI_LOGIN__CLEAR_NETWORKS: '127.0.0.0/8' };
  readonly #options: StressOptions;
  #child: Child | undefined;
  #runs = 0;
  #commands = 0;

  constructor(options: StressOptions) {
    this.#options = options;
  }

  begin(place: Place): void {
    const mbox = join(place.folder, 'imaptest.mbox');
    if (this.#runs === 0) writeFileSync(mbox, messages());
    this.#runs++;
    const { path, clients, seed } = this.#options;
    const args = [
      ...['host=127.0.0.1', `port=${place.port}`, `pass=${place.password}`],
      ...['user=user%d@local.test', `users=1-${place.accounts}`, `mbox=${mbox}`],
      ...[`box=${stressMailbox}`, `copybox=${stressTarget}`, `clients=${clients}`, 'msgs=60'],
      ...[`seed=${seed + this.#runs}`, 'secs=600,1', ...states],
    ];
    this.#child = new Child({ command: path, args, cwd: place.folder });
  }

  async end(): Promise<readonly string[]> {
    const child = this.#child!;
    const faults = child.isRunning ? [] : ['imaptest ended before the server did'];
    // At once: sessions that lose their server connect again without end.
    await child.stop('SIGINT', endMsMax);
    const commands = countCommands(child.stdout);
    if (commands === undefined) faults.push(`imaptest told no totals: ${child.stdout.slice(-200)}`);
    this.#commands += commands ?? 0;
    return [...faults, ...stressFaults(child.stderr)];
  }

  told(): string {
    return `imaptest, ${this.#options.clients} clients: ${this.#commands} commands`;
  }
}

/** Of what imaptest says on standard error, what is more than a lost connection. */
export function stressFaults(said: string): string[] {
  const lines = said.split('\n').filter((line) => line !== '' && !lostConnection.test(line));
  return lines.map((line) => `imaptest says: ${line}`);
}

/** The sum of its totals, which come last; undefined where there are none. */
export function countCommands(said: string): number | undefined {
  const totals = said.slice(said.lastIndexOf('Totals:')).trimEnd().split('\n');
  const counts = totals[0] === 'Totals:' ? totals.at(-1)!.trim().split(/\s+/).map(Number) : [];
  const sum = counts.reduce((all, one) => all + one, 0);
  return counts.length > 0 && Number.isInteger(sum) ? sum : undefined;
}

/** As an mbox: lines that begin a message, and CRLF. */
function messages(): string {
  const all = Array.from({ length: messageCount }, (_, i) => {
    const text = textOf(writer, i + 1, 100 + ((i * 37) % 5_000));
    return `From w@local.test  Fri Feb 22 17:06:23 2008\r\n${messageOf(text)}`;
  });
  return all.join('');
}
