/**
 * What an IMAP session needs around it, for tests: the engine's handlers on a shard in memory, in this thread.
 *
 * alice@local.test has the password `secret`. Notices come as from the engine, told by the test's clock.
 */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import { Watchers } from '../../src/actors/watched.ts';
import { concat } from '../../src/base/bytes.ts';
import { silentLog } from '../../src/base/log.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { LogInThrottle } from '../../src/edge/guard/log-in-throttle.ts';
import { NoticeHub } from '../../src/edge/notices/hub.ts';
import type { ImapAccounts } from '../../src/edge/protocols/imap/accounts.ts';
import { CompressionSlots } from '../../src/edge/protocols/imap/compression.ts';
import { defaultImapLimits, type ImapLimits } from '../../src/edge/protocols/imap/limits.ts';
import { ImapService, type MetadataPolicy } from '../../src/edge/protocols/imap/service.ts';
import { AccountAsks } from '../../src/edge/protocols/session/account-asks.ts';
import { WriteQueues } from '../../src/edge/protocols/session/write-queues.ts';
import { useOf } from '../../src/engine/mailbox/handlers.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { ImapWorld } from '../unit/engine/mailbox/imap/imap-world.ts';
import { SeededClock } from './seeded-clock.ts';
import { FakeReception, fakeAccounts, fakeAuthenticate, silentObserver } from './smtp-fakes.ts';

export class FakeImap {
  readonly world: ImapWorld;
  readonly reception = new FakeReception();
  readonly notices: NoticeHub;
  readonly service: ImapService;
  /** Answers for asks by name, in place of the engine's. */
  readonly answers = new Map<string, Answer>();
  readonly quotaSetters: string[] = [];
  readonly metadata: MetadataPolicy = {
    ...{ valueBytesMax: 1_024, entriesMax: 5, bytesMax: 4_096 },
    ...{ serverComment: 'A test', serverAdmin: 'mailto:op@local.test' },
  };
  readonly accounts: ImapAccounts = {
    accountByAddress: (address) => fakeAccounts.find((one) => one.address === address),
    use: async ({ id }) => ({ ok: true, value: useOf(this.world.reader.account(id)) }),
    setQuota: async ({ id, tenant }, quota) => {
      await this.world.mailboxes.putAccount(id, tenant, quota);
      return undefined;
    },
  };

  constructor(limits: Partial<ImapLimits> = {}, clock: Clock = new SeededClock()) {
    this.world = new ImapWorld(clock);
    this.notices = new NoticeHub(new Watchers(this.world.watched));
    this.world.heard = (change) => this.notices.tell(change);
    const ask = async ({ name, meta, body }: Ask) =>
      this.answers.get(name) ?? (await this.world.carry(name, meta, concat(body)));
    this.service = new ImapService({
      name: 'imap',
      policy: {
        hostname: 'mx.test',
        version: '1.0',
        limits: { ...defaultImapLimits, ...limits },
        clearNetworks: noNetworks,
        quotaSetters: this.quotaSetters,
        metadata: this.metadata,
      },
      reception: this.reception,
      asks: new AccountAsks({ ask }, clock),
      accounts: this.accounts,
      notices: this.notices,
      compressionSlots: new CompressionSlots(),
      writeQueues: new WriteQueues(),
      logIn: { authenticate: fakeAuthenticate, throttle: new LogInThrottle() },
      clock,
      log: silentLog,
      observer: silentObserver,
    });
  }
}
