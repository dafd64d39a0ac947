/**
 * What a ManageSieve session needs around it, for tests: a shelf of scripts on a shard in memory, in this thread.
 *
 * alice@local.test has the password `secret`.
 */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import { answerOf } from '../../src/actors/ask.ts';
import { concat } from '../../src/base/bytes.ts';
import { silentLog } from '../../src/base/log.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { LogInThrottle } from '../../src/edge/guard/log-in-throttle.ts';
import {
  defaultManageSieveLimits,
  type ManageSieveLimits,
} from '../../src/edge/protocols/managesieve/limits.ts';
import { ManageSieveService } from '../../src/edge/protocols/managesieve/service.ts';
import { ManageSieveSession } from '../../src/edge/protocols/managesieve/session.ts';
import { AccountAsks } from '../../src/edge/protocols/session/account-asks.ts';
import { WriteQueues } from '../../src/edge/protocols/session/write-queues.ts';
import { sieveHandlers } from '../../src/engine/mailbox/sieve/handlers.ts';
import { ScriptShelf } from '../../src/engine/mailbox/sieve/shelf.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { MailboxWorld } from '../unit/engine/mailbox/mailbox-world.ts';
import { fakeTls, joinSession, transportOf } from './memory-line.ts';
import { SeededClock } from './seeded-clock.ts';
import { fakeAuthenticate, silentObserver } from './smtp-fakes.ts';
import { WireClient } from './wire-client.ts';

const scriptLimits = { scriptsMax: 4, scriptBytesMax: 1_000, scriptBytesAllMax: 2_500 };

export class FakeManageSieve {
  readonly world = new MailboxWorld();
  readonly shelf = new ScriptShelf({
    shard: () => this.world.shard,
    mailboxes: this.world.mailboxes,
    nowMs: () => this.world.nowMs,
    limits: scriptLimits,
    changed: () => {},
  });
  readonly service: ManageSieveService;
  readonly cutOffs: string[] = [];
  /** Answers for asks by name, in place of the shelf's. */
  readonly answers = new Map<string, Answer | Promise<Answer>>();

  constructor(limits: Partial<ManageSieveLimits> = {}, clock: Clock = new SeededClock()) {
    const handlers = sieveHandlers(() => this.shelf);
    const room = { isFull: false };
    const ask = async (one: Ask): Promise<Answer> => {
      const given = this.answers.get(one.name);
      if (given !== undefined) return given;
      const arrived = { ...one, body: concat(one.body) };
      return await answerOf(handlers[one.name]!(arrived, room));
    };
    this.service = new ManageSieveService({
      name: 'managesieve',
      policy: {
        ...{ hostname: 'mx.test', version: '1.0', redirects: true },
        limits: {
          ...{ ...defaultManageSieveLimits, literalBytesMax: scriptLimits.scriptBytesMax },
          ...limits,
        },
        clearNetworks: noNetworks,
      },
      asks: new AccountAsks({ ask }, clock),
      writeQueues: new WriteQueues(),
      logIn: { authenticate: fakeAuthenticate, throttle: new LogInThrottle() },
      clock,
      log: silentLog,
      observer: {
        ...silentObserver,
        cutOff: (_listener, reason) => this.cutOffs.push(reason),
      },
    });
  }
}

/** A client with a session of its own, as under TLS and without a socket. */
export function connectManageSieve(service: ManageSieveService): WireClient {
  const { client, far } = WireClient.inMemory();
  joinSession(far, new ManageSieveSession(service, transportOf(far), '192.0.2.1', fakeTls));
  return client;
}
