/**
 * What all sessions of one listener share, where accounts' owners come to their shard: settings and ports.
 *
 * Runs in: edge (main thread).
 */

import type { Log } from '../../../base/log.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { LogIn } from '../../guard/log-in.ts';
import type { AccountAsks } from './account-asks.ts';
import type { SessionObserver } from './observer.ts';
import type { WriteQueues } from './write-queues.ts';

export interface SessionServiceOptions<Name extends string, Policy> {
  /** Label in metrics and logs. */
  readonly name: Name;
  readonly policy: Policy;
  readonly asks: AccountAsks;
  /** One for all listeners of the protocol. */
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
}

export class SessionService<Name extends string, Policy> {
  readonly name: Name;
  readonly asks: AccountAsks;
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  policy: Policy;
  /** Coarse monotonic time, set by the listener's sweep. */
  tickMs: number;
  isDraining = false;

  constructor(options: SessionServiceOptions<Name, Policy>) {
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
  setPolicy(policy: Policy): void {
    this.policy = policy;
  }
}
