/**
 * What an IMAP session needs around it, for tests: the engine's handlers on a shard in memory, in this thread.
 *
 * alice@local.test has the password `secret`. Notices come as from the engine, told by the test's clock.
 */

import type { Answer, Ask } from '../../src/actors/ask.ts';
import {
  type ImapAsk,
  imapAsks,
  type PackedSetAcl,
  readBy,
} from '../../src/actors/asks/imap-asks.ts';
import { Watchers } from '../../src/actors/watched.ts';
import { concat } from '../../src/base/bytes.ts';
import {
  type AccountId,
  accountId,
  defaultTenant,
  groupId,
  type TenantId,
} from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { noNetworks } from '../../src/base/networks.ts';
import { LogInThrottle } from '../../src/edge/guard/log-in-throttle.ts';
import { NoticeHub } from '../../src/edge/notices/hub.ts';
import { ownerOf } from '../../src/edge/protocols/imap/account-asks.ts';
import type { ImapAccounts } from '../../src/edge/protocols/imap/accounts.ts';
import { CompressionSlots } from '../../src/edge/protocols/imap/compression.ts';
import { defaultImapLimits, type ImapLimits } from '../../src/edge/protocols/imap/limits.ts';
import { ImapService, type MetadataPolicy } from '../../src/edge/protocols/imap/service.ts';
import { ImapSession } from '../../src/edge/protocols/imap/session.ts';
import { AccountAsks } from '../../src/edge/protocols/session/account-asks.ts';
import { KeptAnswers } from '../../src/edge/protocols/session/kept-answers.ts';
import { WriteQueues } from '../../src/edge/protocols/session/write-queues.ts';
import { useOf } from '../../src/engine/mailbox/handlers.ts';
import { rightsOf } from '../../src/mail/wire/imap/rights.ts';
import type { Account } from '../../src/ports/account-directory.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Group } from '../../src/ports/groups.ts';
import { ImapWorld } from '../unit/engine/mailbox/imap/imap-world.ts';
import { ImapClient } from './imap-client.ts';
import { fakeTls, joinSession, transportOf } from './memory-line.ts';
import { SeededClock } from './seeded-clock.ts';
import { FakeReception, fakeAccounts, fakeAuthenticate, silentObserver } from './smtp-fakes.ts';

const hiddenMailboxes = 50;

/** The engine's side of it, whatever its shard is. */
export type FakeEngine = Pick<
  ImapWorld,
  'carry' | 'heard' | 'mailboxes' | 'reader' | 'stamps' | 'watched'
>;

export class FakeImap<Engine extends FakeEngine = ImapWorld> {
  readonly world: Engine;
  readonly reception: FakeReception;
  readonly notices: NoticeHub;
  readonly service: ImapService;
  /** Answers for asks by name, in place of the engine's. */
  readonly answers = new Map<string, Answer>();
  readonly quotaSetters: string[] = [];
  readonly metadata: MetadataPolicy = {
    ...{ valueBytesMax: 1_024, entriesMax: 5, bytesMax: 4_096 },
    ...{ serverComment: 'A test', serverAdmin: 'mailto:op@local.test' },
  };
  /** Identifier and owner, for `LIST`. */
  readonly sharings = new Set<string>();
  /** eve is of another tenant. */
  readonly people: readonly Account[] = [
    ...fakeAccounts,
    { ...fakeAccounts[0]!, id: accountId(9), address: 'eve@far.test', tenant: 7 as TenantId },
  ];
  /** Sales, with whoever a test puts into it. */
  readonly group: Group = {
    ...{ id: groupId(1), tenant: defaultTenant, address: 'sales@local.test' },
    ...{ senders: 'nobody', createdMs: 1 },
  };
  readonly inGroup = new Set<AccountId>();
  readonly accounts: ImapAccounts = {
    groupsOf: (id) => (this.inGroup.has(id) ? [this.group.id] : []),
    group: ({ id, tenant }) =>
      id === this.group.id && tenant === this.group.tenant ? this.group : undefined,
    groupByAddress: (tenant, address) =>
      address === this.group.address && tenant === this.group.tenant ? this.group : undefined,
    accountByAddress: (address) => this.people.find((one) => one.address === address),
    accountById: (id) => this.people.find((one) => one.id === id),
    sharers: (reader) => this.people.map(({ id }) => id).filter((id) => this.isShared(id, reader)),
    noteSharing: async (owner, identifier, isNamed) => {
      if (isNamed) this.sharings.add(`${identifier} ${owner}`);
      else this.sharings.delete(`${identifier} ${owner}`);
    },
    use: async ({ id }) => ({ ok: true, value: useOf(this.world.reader.account(id)) }),
    setQuota: async ({ id, tenant }, quota) => {
      await this.world.mailboxes.putAccount(id, tenant, quota);
      return undefined;
    },
  };

  constructor(
    limits: Partial<ImapLimits> = {},
    clock: Clock = new SeededClock(),
    world: Engine | ImapWorld = new ImapWorld(clock),
    reception = new FakeReception(),
  ) {
    this.world = world as Engine;
    this.reception = reception;
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
        otherUsers: 'Other Users',
        sieveUrl: '',
        metadata: this.metadata,
      },
      reception: this.reception,
      asks: new AccountAsks({ ask }, clock),
      kept: new KeptAnswers(this.world.stamps),
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

  /** As if other sessions had been told of every message first: none is \\Recent (RFC 3501 §2.3.2). */
  hideRecent(): void {
    for (const { id } of this.people) {
      for (let mailbox = 1; mailbox <= hiddenMailboxes; mailbox++) {
        this.notices.recent.enter(id, mailbox, 0);
        this.notices.recent.claim(id, mailbox, 0xffff_ffff);
      }
    }
  }

  isShared(owner: AccountId, reader: AccountId): boolean {
    return this.sharings.has(`${reader} ${owner}`) || this.sharings.has(`0 ${owner}`);
  }

  /** bob's mailbox Plans with two messages, of which bob has seen the first, and alice's rights to it. */
  async shareAs(rights: string, identifier = 1): Promise<void> {
    const [, bob] = fakeAccounts;
    const owner = ownerOf(bob!);
    const ask = async (name: ImapAsk, meta: unknown, body?: Uint8Array) => {
      const answer = await this.world.carry(name, readBy(bob!, meta), body);
      if (!answer.ok) throw new Error(`${name}: ${answer.code}`);
    };
    await ask(imapAsks.create, [owner, 'Plans', '']);
    for (const seen of [1, 0]) {
      const body = Buffer.from(`Subject: ${seen}\r\n\r\nText.\r\n`);
      const messages = [[seen, [], 0, [body.length]]];
      const id = this.reception.nextId();
      await ask(imapAsks.append, [owner, 'Plans', id, 1_000, messages, null], body);
    }
    for (const part of rights.split(' ').filter((one) => one !== '')) {
      const isNegative = part.startsWith('-');
      const mask = rightsOf(isNegative ? part.slice(1) : part)!;
      const set: PackedSetAcl = [identifier, isNegative, 'replace', mask];
      await ask(imapAsks.setAcl, [owner, 'Plans', set]);
    }
    this.sharings.add(`${identifier} ${bob!.id}`);
  }
}

/** A client with a session of its own, as under TLS and without a socket. */
export function connectInMemory(service: ImapService): ImapClient {
  const { client, far } = ImapClient.inMemory({ isLiteralPlus: true });
  const session = new ImapSession(service, transportOf(far), '192.0.2.1', fakeTls);
  joinSession(far, session);
  return client;
}
