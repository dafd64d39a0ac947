/**
 * What else uses a server that is killed: its mailboxes are its own, and no ledger knows what it does to them.
 *
 * Runs in: crash runs.
 */

import type { Environment } from '../../bench/servers/chaski.ts';

export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly password: string;
  /** Of accounts `user1@local.test` and on. */
  readonly accounts: number;
}

export interface Beside {
  readonly name: string;
  /** Settings it cannot do without. */
  readonly environment: Environment;
  /** Of each account. */
  readonly mailboxes: readonly string[];
  /** All are logged in. */
  begin(place: Place): void;
  /** The server is killed now. Answers what it found wrong until then. */
  end(): Promise<readonly string[]>;
  /** What it did, in words. */
  told(): string;
}
