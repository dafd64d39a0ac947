/**
 * A day of a relay on a simulated Internet: tenants send, providers answer as they like, and all that was promised is
 * looked after.
 *
 * Real: spool, site, lanes, outbound, leases, store, event log. Simulated: clock, chance, DNS, network, disk; the
 * index is the one in memory, and threads are calls.
 */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Arrival } from '../../../src/actors/asks/reception.ts';
import { messageReceive, packReceived } from '../../../src/actors/asks/spool-asks.ts';
import { MemoryDisk } from '../../../src/adapters/memory/memory-disk.ts';
import { type MessageId, MessageIdSource, shardId, type TenantId } from '../../../src/base/ids.ts';
import { type Log, type LogFields, silentLog } from '../../../src/base/log.ts';
import { gibibyte } from '../../../src/base/units.ts';
import { SeededRandom, seedOf } from '../../../src/harness/seeded-random.ts';
import type { SinkMessage } from '../../../src/harness/sink/sink-wire.ts';
import { loadOrThrow } from '../../../src/settings/load.ts';
import { Engines } from './engines.ts';
import { hashedDisk } from './hashed-disk.ts';
import { type Counts, Ledger, numberOf } from './ledger.ts';
import { simulatedDns } from './names.ts';
import { Network, type Witness } from './network.ts';
import { makePlaces, type Places, type Provider } from './providers.ts';
import { costOfMessage, type Fairness, fairnessWindowMs, SiteWatch } from './site-watch.ts';
import { type Sent, Traffic } from './traffic.ts';
import { VirtualTime } from './virtual-time.ts';

export interface DayOptions {
  readonly seed: number;
  readonly hours: number;
  readonly tenants: number;
  readonly domains: number;
  readonly messages: number;
  readonly hotMessages?: number;
  /** Providers without troubles. */
  readonly isCalm?: boolean;
  readonly connectionsPerSite?: number;
  readonly threads?: number;
  /** A second, to each site. */
  readonly messageRate?: number;
  readonly connectionRate?: number;
  /** All mail of a tenant is in one thread, in place of all new mail for a while. */
  readonly isBoundToThreads?: boolean;
  /** Of the messages that are not hot, the part that is sent in campaigns. */
  readonly campaignShare?: number;
  /** The event log is remembered as it stands at this second, for a comparison. */
  readonly markSecond?: number;
  /** The day ends at its mark, and nothing is asked of it but that. */
  readonly endsAtMark?: boolean;
  /** Once a simulated minute. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly second: number;
  readonly counts: Counts;
  readonly diskBytes: number;
  readonly faults: readonly string[];
  readonly unfair: number;
}

export interface DayReport {
  readonly faults: readonly string[];
  readonly counts: Counts;
  readonly connectionsMost: number;
  /** Messages to one site in one minute, at most. */
  readonly busiestMinute: number;
  readonly fairness: Fairness;
  /** Of the bytes of all event logs, in the order they were written. */
  readonly eventsHash: string;
  readonly eventsBytes: number;
  /** As `eventsHash`, up to the second that was to be marked; "" where none was. */
  readonly markHash: string;
  /** Of all files together, at most. */
  readonly diskBytesMost: number;
  /** By tenant: time to the first attempt of 99 in 100 of its messages. */
  readonly firstAttemptMs: ReadonlyMap<number, number>;
}

const threadsDefault = 2;
const shards = 4;
/** More than a day takes. */
const diskBytesMax = 64 * gibibyte;
/** After the last message was sent. */
const restMs = 600_000;
/** An outcome is told, and then its row goes and a report is made, within so long. */
const settleMs = 10_000;
/** Who was to be tried so long ago is forgotten: no site is full for so long after the last message. */
const overdueMsMax = 480_000;
/** Less than by default: sites are full more often. */
const connectionsPerSiteDefault = 8;
/** New mail goes to one thread until its load, here chance, moves it to another. */
const spoolMovesPerHour = 20;
const filler = Buffer.alloc(
  64 * 1_024,
  'All that is written here is of no matter, but it is long.\r\n',
);

export function simulateDay(options: DayOptions): Promise<DayReport> {
  return new Day(options).run();
}

class Day implements Witness {
  readonly #options: DayOptions;
  readonly #time = new VirtualTime();
  readonly #ledger: Ledger;
  readonly #places: Places;
  readonly #traffic: Traffic;
  readonly #sites: SiteWatch;
  readonly #engines: Engines;
  readonly #events = createHash('sha256');
  readonly #ids: MessageIdSource;
  readonly #random: SeededRandom;
  /** By message: its one site, -1 for several. */
  readonly #siteOf: Int32Array;
  readonly #costOf: Uint32Array;
  readonly #threads: number;
  readonly #disk = new MemoryDisk(diskBytesMax);
  #diskBytesMost = 0;
  #markHash = '';
  #eventsBytes = 0;
  #messageCount = 0;
  #spoolThread = 0;

  constructor(options: DayOptions) {
    const { seed, hours, tenants, messages, hotMessages = 0, isCalm = false } = options;
    const { connectionsPerSite = connectionsPerSiteDefault, threads = threadsDefault } = options;
    this.#threads = threads;
    const clock = this.#time;
    const all = Math.ceil((messages + hotMessages) * 1.3) + 1_000;
    this.#options = options;
    this.#ledger = new Ledger(all, 2 * all);
    this.#siteOf = new Int32Array(all);
    this.#costOf = new Uint32Array(all);
    this.#ids = new MessageIdSource(() => clock.nowMs(), 1);
    this.#random = new SeededRandom(seedOf(seed, 'spools'));
    // The hot tenant is there in any case, so that the places are the same with and without its mail.
    const nowMs = () => clock.nowMs();
    this.#places = makePlaces({ ...options, tenants: tenants + 1, isCalm, nowMs });
    this.#traffic = new Traffic({
      ...{ seed, messages, tenants, hotMessages, campaignShare: options.campaignShare ?? 0.5 },
      seconds: hours * 3_600,
      domains: this.#places.domains,
    });
    const settings = loadOrThrow({
      environment: {},
      assignments: [
        ...['data.dir=/data', 'hostname=relay.example', 'relay.expiryMs=4h'],
        ...['store.segmentBytesMax=16MiB', 'store.eventsBytesMax=64MiB'],
        `relay.connectionsPerSiteMax=${connectionsPerSite}`,
      ],
    });
    const fault = (text: string) => this.#ledger.fault(`${text} at ${clock.monotonicMs()} ms`);
    this.#sites = new SiteWatch(
      this.#places.providers.length,
      { connectionsMax: connectionsPerSite, ...options },
      threads,
      fault,
    );
    const chance = (name: string) => new SeededRandom(seedOf(seed, name));
    const { providers } = this.#places;
    this.#engines = new Engines({
      ...{ seed, settings, threads, shards, clock },
      disk: hashedDisk(this.#disk, (bytes) => this.#seeEvents(bytes)),
      dns: simulatedDns(this.#places, clock, chance('dns')),
      dialer: new Network({ providers, clock, random: chance('network'), witness: this }),
      log: this.#log(),
    });
  }

  async run(): Promise<DayReport> {
    let isOver = false;
    const day = this.#live().finally(() => {
      isOver = true;
    });
    await this.#time.run(() => isOver);
    await day;
    const { faults, counts } = this.#ledger;
    return {
      faults,
      counts,
      connectionsMost: this.#sites.connectionsMost,
      busiestMinute: this.#sites.busiest,
      fairness: this.#sites.fairness(),
      eventsHash: this.#events.digest('hex'),
      eventsBytes: this.#eventsBytes,
      markHash: this.#markHash,
      diskBytesMost: this.#diskBytesMost,
      firstAttemptMs: this.#ledger.firstAttemptMs(0.99),
    };
  }

  async #live(): Promise<void> {
    const { hours, messageRate = 0, connectionRate = 0 } = this.#options;
    await this.#engines.open();
    if (messageRate > 0 || connectionRate > 0) {
      await this.#engines.limit({
        ...(messageRate > 0 ? { messageRate: { count: messageRate, perMs: 1_000 } } : {}),
        ...(connectionRate > 0 ? { connectionRate: { count: connectionRate, perMs: 1_000 } } : {}),
      });
    }
    const seconds = hours * 3_600;
    for (let second = 0; second < seconds + restMs / 1_000; second++) {
      if (second % (fairnessWindowMs / 1_000) === 0) await this.#endMinute(second);
      if (second === this.#options.markSecond) {
        this.#markHash = this.#events.copy().digest('hex');
        if (this.#options.endsAtMark === true) return;
      }
      if (this.#random.fraction() < spoolMovesPerHour / 3_600) {
        this.#spoolThread = (this.#spoolThread + 1) % this.#threads;
      }
      if (second < seconds) for (const sent of this.#traffic.second(second)) this.#send(sent);
      await this.#time.after(1_000);
    }
    await this.#check();
    await this.#engines.close();
  }

  async #endMinute(second: number): Promise<void> {
    this.#sites.endWindow(this.#time.monotonicMs());
    const bytes = diskBytesMax - (await this.#disk.freeBytes('/'));
    this.#diskBytesMost = Math.max(this.#diskBytesMost, bytes);
    const { counts, faults } = this.#ledger;
    const { unfair } = this.#sites.fairness();
    this.#options.onProgress?.({ second, counts, diskBytes: bytes, faults, unfair });
  }

  async #check(): Promise<void> {
    let openReports = 0;
    const overdueMs = this.#time.nowMs() - overdueMsMax;
    const ending = await this.#ending();
    await this.#engines.queued((sender, address, nextMs) => {
      if (nextMs < overdueMs) this.#ledger.fault(`${address} was to be tried and was not`);
      if (sender === '') openReports++;
      else if (this.#ledger.hasEnded(address) && !ending.has(address)) this.#ledger.endsLate();
      else this.#ledger.waiting(address);
    });
    this.#ledger.check(openReports);
  }

  /** Who has ended and stands in a queue: a moment later they must not. */
  async #ending(): Promise<ReadonlySet<string>> {
    const ending = new Set<string>();
    await this.#engines.queued((sender, address) => {
      if (sender !== '' && this.#ledger.hasEnded(address)) ending.add(address);
    });
    await this.#time.after(settleMs);
    return ending;
  }

  #send(sent: Sent): void {
    const message = this.#messageCount++;
    const domains = sent.domains.map((number) => this.#places.domains[number]!);
    const recipients = domains.map((domain) => {
      const recipient = this.#ledger.newRecipient(message, domain.fault !== undefined);
      return { address: `u${recipient}@${domain.name}`, target: { kind: 'remote' } as const };
    });
    this.#ledger.tenants[message] = sent.tenant;
    const { provider } = domains[0]!;
    const isOneSite = domains.every(
      (domain) => domain.provider === provider && domain.fault === undefined,
    );
    this.#siteOf[message] = isOneSite ? provider.number : -1;
    this.#costOf[message] = costOfMessage(recipients.length, sent.bytes);
    // Spread over the second it is of.
    const delayMs = Math.floor(this.#random.fraction() * 1_000);
    this.#time.setTimer(delayMs, () => void this.#give(message, recipients, sent));
  }

  async #give(
    message: number,
    recipients: { address: string; target: { kind: 'remote' } }[],
    sent: Sent,
  ): Promise<void> {
    const id = this.#ids.next();
    const { tenant, priority, campaign } = sent;
    const terms = {
      ...(priority === 0 ? {} : { priority }),
      ...(campaign === '' ? {} : { campaign }),
    };
    const body = Buffer.concat([
      Buffer.from(
        `From: <news@t${tenant}.tenant.example>\r\nTo: ${recipients[0]!.address}\r\n` +
          `Subject: ${message}\r\nMessage-ID: <${message}@t${tenant}.tenant.example>\r\n\r\n`,
      ),
      filler.subarray(0, sent.bytes),
      Buffer.from('\r\n'),
    ]);
    const sender = `v${message}@t${tenant}.tenant.example`;
    const { isBoundToThreads = false } = this.#options;
    const shard = shardId(isBoundToThreads ? tenant % this.#threads : this.#spoolThread);
    const envelope = { sender, recipients, body: '7bit', smtputf8: false, terms } as const;
    const meta = packReceived({
      envelope,
      arrival: this.#arrival(id, tenant),
      body: [],
      bodyBytes: 0,
    });
    const answer = await this.#engines.ask({
      ...{ shard, actor: '', name: messageReceive, key: id, class: 'short', lane: 'normal' },
      ...{ deadlineMs: 0, meta, body: [body] },
    });
    if (!answer.ok) {
      this.#ledger.fault(`message ${message} was not accepted: ${answer.code} ${answer.detail}`);
      return;
    }
    const nowMs = this.#time.monotonicMs();
    this.#ledger.accepted(message, recipients.length, nowMs);
  }

  #arrival(id: MessageId, tenant: number): Arrival {
    return {
      ...{
        id,
        receivedMs: this.#time.nowMs(),
        listener: 'submission' as const,
        protocol: 'ESMTPSA',
      },
      ...{ peerAddress: '203.0.113.7', peerPort: 40_000, helo: 'client.example', trusted: true },
      tenant: (tenant + 1) as TenantId,
    };
  }

  // What the peers saw.

  opened(provider: Provider): void {
    this.#sites.opened(provider.number, this.#time.monotonicMs());
  }

  closed(provider: Provider): void {
    this.#sites.closed(provider.number);
  }

  begun(provider: Provider, sender: string): void {
    this.#sites.begun(provider.number, this.#time.monotonicMs());
    const message = numberOf(sender, 'v');
    if (Number.isNaN(message)) return;
    this.#tried(message);
    this.#sites.served(provider.number, this.#ledger.tenants[message]!, this.#costOf[message]!);
  }

  refused(recipients: readonly string[]): void {
    this.#ledger.refused(recipients);
  }

  taken(provider: Provider, message: SinkMessage): void {
    if (provider.isTenants) this.#readReport(message);
    else this.#ledger.taken(message);
  }

  answered(message: SinkMessage, isHeard: boolean): void {
    if (message.sender !== '') this.#ledger.answered(message, isHeard);
  }

  #readReport({ parts }: SinkMessage): void {
    const text = Buffer.concat(parts).toString('latin1');
    for (const [block, address] of text.matchAll(
      /^Final-Recipient: rfc822; ?(\S+)\r\n(?:\S.*\r\n)*/gim,
    )) {
      if (/^Action: failed\r$/im.test(block)) this.#ledger.reportedOn(numberOf(address!, 'u'));
    }
  }

  #tried(message: number): void {
    if (!this.#ledger.tried(message, this.#time.monotonicMs())) return;
    const site = this.#siteOf[message]!;
    if (site >= 0) this.#sites.leaves(site, this.#ledger.tenants[message]!);
  }

  // What the engine says.

  #log(): Log {
    const log: Log = {
      ...silentLog,
      info: (fields) => this.#onEvent(fields),
      warn: (fields, text) => this.#ledger.fault(`${text}: ${JSON.stringify(fields)}`),
      error: (fields, text) => this.#ledger.fault(`${text}: ${JSON.stringify(fields)}`),
      with: () => log,
      isOn: (level) => level !== 'debug',
    };
    return log;
  }

  #onEvent({ event, to, from }: LogFields): void {
    if (event === 'accepted') {
      const message = numberOf(from as string, 'v');
      if (Number.isNaN(message)) return;
      const site = this.#siteOf[message]!;
      if (site >= 0) this.#sites.waits(site, this.#ledger.tenants[message]!);
    } else if (event === 'delivered' || event === 'failed' || event === 'expired') {
      this.#ledger.said(event, to as string);
      this.#triedOf(to as string);
    } else if (event === 'deferred') {
      this.#ledger.counts.deferrals++;
      this.#triedOf(to as string);
    }
  }

  /** An attempt may end before a peer sees it: its site is away, or its domain has none. */
  #triedOf(address: string): void {
    const recipient = numberOf(address, 'u');
    if (!Number.isNaN(recipient)) this.#tried(this.#ledger.messageOf(recipient));
  }

  #seeEvents(bytes: Uint8Array): void {
    this.#events.update(bytes);
    this.#eventsBytes += bytes.byteLength;
  }
}
