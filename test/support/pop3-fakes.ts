/**
 * What a POP3 session needs around it, for tests: the engine's handlers on a shard in memory, in this thread.
 *
 * alice@local.test has the password `secret`.
 */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import { concat } from '../../src/base/bytes.ts';
import { silentLog } from '../../src/base/log.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { LogInThrottle } from '../../src/edge/guard/log-in-throttle.ts';
import { defaultPop3Limits, type Pop3Limits } from '../../src/edge/protocols/pop3/limits.ts';
import { Pop3Service } from '../../src/edge/protocols/pop3/service.ts';
import { Pop3Session } from '../../src/edge/protocols/pop3/session.ts';
import { AccountAsks } from '../../src/edge/protocols/session/account-asks.ts';
import { WriteQueues } from '../../src/edge/protocols/session/write-queues.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { ImapWorld } from '../unit/engine/mailbox/imap/imap-world.ts';
import { fakeTls, joinSession, transportOf } from './memory-line.ts';
import { SeededClock } from './seeded-clock.ts';
import { fakeAuthenticate, silentObserver } from './smtp-fakes.ts';
import { WireClient } from './wire-client.ts';

export class FakePop3<Engine extends Pick<ImapWorld, 'carry'> = ImapWorld> {
  readonly world: Engine;
  readonly service: Pop3Service;
  /** Names of all asks, as they came. */
  readonly asked: string[] = [];
  readonly cutOffs: string[] = [];
  /** Answers for asks by name, in place of the engine's. */
  readonly answers = new Map<string, Answer>();

  constructor(
    limits: Partial<Pop3Limits> = {},
    clock: Clock = new SeededClock(),
    world: Engine | ImapWorld = new ImapWorld(clock),
  ) {
    this.world = world as Engine;
    const ask = async ({ name, meta, body }: Ask) => {
      this.asked.push(name);
      return this.answers.get(name) ?? (await this.world.carry(name, meta, concat(body)));
    };
    this.service = new Pop3Service({
      name: 'pop3',
      policy: {
        hostname: 'mx.test',
        version: '1.0',
        limits: { ...defaultPop3Limits, ...limits },
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
export function connectPop3(service: Pop3Service): WireClient {
  const { client, far } = WireClient.inMemory();
  joinSession(far, new Pop3Session(service, transportOf(far), '192.0.2.1', fakeTls));
  return client;
}
