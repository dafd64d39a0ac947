/**
 * What all sessions of one IMAP listener share: settings, ports, the writer of responses.
 *
 * Runs in: edge (main thread).
 */

import type { Buffer } from 'node:buffer';
import type { Reception } from '../../../actors/asks/reception.ts';
import type { Log } from '../../../base/log.ts';
import type { NetworkSet } from '../../../base/networks.ts';
import { Cursor } from '../../../mail/wire/imap/cursor.ts';
import { ResponseWriter } from '../../../mail/wire/imap/response.ts';
import type { Clock } from '../../../ports/clock.ts';
import { type AccessWitness, noWitness } from '../../guard/access-witness.ts';
import type { LogIn } from '../../guard/log-in.ts';
import type { NoticeHub } from '../../notices/hub.ts';
import type { AccountAsks } from '../session/account-asks.ts';
import type { KeptAnswers } from '../session/kept-answers.ts';
import type { SessionObserver } from '../session/observer.ts';
import type { WriteQueues } from '../session/write-queues.ts';
import type { ImapAccounts } from './accounts.ts';
import type { CompressionSlots } from './compression.ts';
import type { ImapLimits } from './limits.ts';

/** `imap.metadata…` and what the server says of itself. */
export interface MetadataPolicy {
  readonly valueBytesMax: number;
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly serverComment: string;
  readonly serverAdmin: string;
}

/** What may change while sessions run. */
export interface ImapPolicy {
  readonly hostname: string;
  readonly version: string;
  readonly limits: ImapLimits;
  /** `login.clearNetworks` */
  readonly clearNetworks: NetworkSet;
  readonly metadata: MetadataPolicy;
  /** `imap.otherUsers`: what stands before the names of others' mailboxes. */
  readonly otherUsers: string;
  /** `imap.quotaSetters`: addresses, as the directory writes them. */
  readonly quotaSetters: readonly string[];
  /** Where scripts are kept that run as mailboxes change (RFC 6785 §2.1); "": nowhere. */
  readonly sieveUrl: string;
}

export interface ImapServiceOptions {
  /** Label in metrics and logs. */
  readonly name: 'imap' | 'imaps';
  readonly policy: ImapPolicy;
  /** Room for messages of APPEND, and their ids. */
  readonly reception: Pick<Reception, 'nextId' | 'reserve' | 'release'>;
  readonly asks: AccountAsks;
  readonly kept: KeptAnswers;
  readonly accounts: ImapAccounts;
  readonly notices: NoticeHub;
  readonly compressionSlots: CompressionSlots;
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly witness?: AccessWitness;
}

export class ImapService {
  readonly name: 'imap' | 'imaps';
  readonly reception: Pick<Reception, 'nextId' | 'reserve' | 'release'>;
  readonly asks: AccountAsks;
  readonly kept: KeptAnswers;
  readonly accounts: ImapAccounts;
  readonly notices: NoticeHub;
  readonly compressionSlots: CompressionSlots;
  readonly writeQueues: WriteQueues;
  readonly logIn: LogIn;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: SessionObserver;
  readonly witness: AccessWitness;
  policy: ImapPolicy;
  /** Used within one turn, by one session at a time: responses leave before the turn ends. */
  readonly writer = new ResponseWriter();
  readonly cursor = new Cursor();
  /** Coarse monotonic time, set by the listener's sweep. */
  tickMs: number;
  isDraining = false;
  /** Texts of APPEND that are on their way to their shards, or wait there for the end of their command. */
  streamCount = 0;

  constructor(options: ImapServiceOptions) {
    this.name = options.name;
    this.policy = options.policy;
    this.reception = options.reception;
    this.asks = options.asks;
    this.kept = options.kept;
    this.accounts = options.accounts;
    this.notices = options.notices;
    this.compressionSlots = options.compressionSlots;
    this.writeQueues = options.writeQueues;
    this.logIn = options.logIn;
    this.clock = options.clock;
    this.log = options.log;
    this.observer = options.observer;
    this.witness = options.witness ?? noWitness;
    this.tickMs = options.clock.monotonicMs();
  }

  /** The shared cursor on a command's octets. */
  cursorAt(
    bytes: Buffer,
    start: number,
    end: number,
    { isRev2, isUtf8Accepted }: { readonly isRev2: boolean; readonly isUtf8Accepted: boolean },
  ): Cursor {
    this.cursor.isUtf8 = isRev2 || isUtf8Accepted;
    this.cursor.takesCharset = !isUtf8Accepted;
    return this.cursor.open(bytes, start, end);
  }

  /** Takes new settings; sessions see them with their next command. */
  setPolicy(policy: ImapPolicy): void {
    this.policy = policy;
  }
}
