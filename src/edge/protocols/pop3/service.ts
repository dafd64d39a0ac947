/**
 * What all sessions of one POP3 listener share: settings and ports.
 *
 * Runs in: edge (main thread).
 */

import type { Log } from '../../../base/log.ts';
import type { NetworkSet } from '../../../base/networks.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { LogIn } from '../../guard/log-in.ts';
import type { AccountAsks } from '../session/account-asks.ts';
import type { SessionObserver } from '../session/observer.ts';
import type { WriteQueues } from '../session/write-queues.ts';
import type { Pop3Limits } from './limits.ts';

/** What may change while sessions run. */
export interface Pop3Policy {
  readonly hostname: string;
  readonly version: string;
  readonly limits: Pop3Limits;
  /** `login.clearNetworks` */
  readonly clearNetworks: NetworkSet;
}

export interface Pop3ServiceOptions {
  /** Label in metrics and logs. */
  readonly name: 'pop3' | 'pop3s';
  readonly policy: Pop3Policy;
  readonly asks: AccountAsks;
  /** One for all listeners of POP3. */
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
}

export class Pop3Service {
  readonly name: 'pop3' | 'pop3s';
  readonly asks: AccountAsks;
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  policy: Pop3Policy;
  /** Coarse monotonic time, set by the listener's sweep. */
  tickMs: number;
  isDraining = false;

  constructor(options: Pop3ServiceOptions) {
    this.name = options.name;
    this.policy = options.policy;
    this.asks = options.asks;
    this.writeQueues = options.writeQueues;
    this.logIn = options.logIn;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.tickMs = options.clock.monotonicMs();
  }

  /** Takes new settings; sessions see them with their next command. */
  setPolicy(policy: Pop3Policy): void {
    this.policy = policy;
  }
}
