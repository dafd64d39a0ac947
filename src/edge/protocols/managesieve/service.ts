/**
 * What all sessions of one ManageSieve listener share: settings and ports.
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
import type { ManageSieveLimits } from './limits.ts';

/** What may change while sessions run. */
export interface ManageSievePolicy {
  readonly hostname: string;
  readonly version: string;
  readonly limits: ManageSieveLimits;
  /** Whether scripts may send mail on. */
  readonly redirects: boolean;
  /** `login.clearNetworks` */
  readonly clearNetworks: NetworkSet;
}

export interface ManageSieveServiceOptions {
  /** Label in metrics and logs. */
  readonly name: 'managesieve';
  readonly policy: ManageSievePolicy;
  readonly asks: AccountAsks;
  /** One for all listeners of ManageSieve. */
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
}

export class ManageSieveService {
  readonly name: 'managesieve';
  readonly asks: AccountAsks;
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  policy: ManageSievePolicy;
  /** Coarse monotonic time, set by the listener's sweep. */
  tickMs: number;
  isDraining = false;

  constructor(options: ManageSieveServiceOptions) {
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
  setPolicy(policy: ManageSievePolicy): void {
    this.policy = policy;
  }
}
